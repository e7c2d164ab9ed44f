import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts a secret into a file that only its owner can read. It is there whole or not at all, even after a power cut. */
export async function writeSecret(path: string, secret: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}`;
  try {
    await writeDurably(unfinished, `${secret}\n`);
    await rename(unfinished, path);
    await syncDirectory(dirname(path));
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** null: there is no such file. */
export async function readSecret(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** What the file holds, or what `make` gives and the file holds from now on. */
export async function keepSecret(path: string, make: () => string | Promise<string>): Promise<string> {
  const kept = await readSecret(path);
  if (kept) return kept;
  const secret = await make();
  await writeSecret(path, secret);
  return secret;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(text);
  await file.sync();
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

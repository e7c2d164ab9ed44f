import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BlobStore, ExpectedBytes } from "./blob-store.ts";
import { checkBytes } from "./check-bytes.ts";

/** Half-written blobs lie here, on the same file system as the whole ones: a rename is atomic. */
const UNFINISHED = ".unfinished";
const UNFINISHED_KEPT_MS = 24 * 3600 * 1000;

/** Blobs as files under `directory`, which is made if it isn't there. Several processes may share it. */
export async function openDiskBlobs(directory: string): Promise<BlobStore> {
  const unfinished = join(directory, UNFINISHED);
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  await removeAbandoned(unfinished);
  const pathOf = (key: string) => join(directory, ...segmentsOf(key));
  return {
    size: (key) => fileSize(pathOf(key)),
    head: (key, length) => readHead(pathOf(key), length),
    read: (key) => readFile(pathOf(key)),
    write: (key, body, expected) => writeFile(pathOf(key), join(unfinished, randomUUID()), body, expected),
    delete: (key) => rm(pathOf(key), { force: true }),
  };
}

/** A key never leaves the directory: no empty segment, and none that begins with a dot. */
function segmentsOf(key: string): string[] {
  const segments = key.split("/");
  if (!segments.every((segment) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$/.test(segment))) {
    throw new TypeError("a blob key is segments of letters, digits, _ - and ., joined by /");
  }
  return segments;
}

async function fileSize(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function readHead(path: string, length: number): Promise<Uint8Array> {
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

async function readFile(path: string): Promise<ReadableStream<Uint8Array>> {
  const file = await open(path, "r");
  return Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>;
}

async function writeFile(
  path: string,
  temporary: string,
  body: ReadableStream<Uint8Array>,
  expected: ExpectedBytes | undefined,
): Promise<void> {
  try {
    // Opened before anything can fail: an open that is still under way would make the file after its removal.
    const file = await open(temporary, "wx", 0o600);
    const checked = (chunks: AsyncIterable<Uint8Array>) => checkBytes(chunks, expected);
    // `flush` is an fsync before the close.
    await pipeline(body, checked, file.createWriteStream({ flush: true }));
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rename(temporary, path);
    await syncDirectories(dirname(path), made);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A rename, and each directory that was made for it, is durable once the directory that names it was synced. */
async function syncDirectories(lowest: string, firstMade: string | undefined): Promise<void> {
  for (let directory = lowest; ; directory = dirname(directory)) {
    await using handle = await open(directory, "r");
    await handle.sync();
    if (firstMade === undefined || directory.length < firstMade.length) return;
  }
}

/** What a killed process left. Younger ones may belong to a process that still writes. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const modified = await stat(path).catch(() => null);
    if (modified && Date.now() - modified.mtimeMs > UNFINISHED_KEPT_MS) await rm(path, { force: true });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

import { open, rename, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Home } from "./home.ts";

const MAX_BYTES = 10 * 1024 ** 2;
const TAIL_BYTES = 4_096;

export function logFileOf(home: Home, name: string): string {
  return join(home.logs, `${name}.log`);
}

/** Opens a log for appending. One that has grown too long becomes `<name>.log.1` first. */
export async function openLogFile(home: Home, name: string): Promise<FileHandle> {
  const path = logFileOf(home, name);
  const bytes = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  if (bytes > MAX_BYTES) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}

const lastWords = z.object({ error: z.string() });

/** What a process said last: the error of its last log line, or that line itself. */
export async function lastLineOf(home: Home, name: string): Promise<string> {
  const line = (await tailOf(logFileOf(home, name))).trim().split("\n").at(-1) ?? "";
  try {
    return lastWords.parse(JSON.parse(line)).error;
  } catch {
    return line;
  }
}

async function tailOf(path: string): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
  return buffer.toString("utf8", 0, bytesRead);
}

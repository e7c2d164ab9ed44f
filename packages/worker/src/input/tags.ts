import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Log } from "@earshot/shared/log";
import * as z from "zod";
import { runChild } from "./run-child.ts";
import type { Sandbox } from "./sandbox.ts";

export type Tags = Record<string, string>;

const ENTRY = fileURLToPath(new URL("tags.main.mjs", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

const MAX_TAGS = 32;
const MAX_VALUE_BYTES = 1_024;
const HEAP_MB = 96;
/** Node reserves over 1 GB of addresses before it runs a line. */
const LIMITS = { addressSpaceBytes: 2 * 1024 ** 3, cpuSeconds: 10 };
const TIMEOUT_MS = 15_000;
const MAX_STDOUT_BYTES = 256 * 1024;

const tagsSchema = z.record(z.string().regex(/^[a-z]{1,32}$/), z.string());

/**
 * The common tags of a file (title, artist, album, bpm …), read by music-metadata in a confined child that may
 * open nothing but the file and the library. A file that breaks the parser has no tags, and the log says so.
 */
export async function readTags(
  path: string,
  { sandbox, log, signal }: { sandbox: Sandbox; log: Log; signal: AbortSignal },
): Promise<Tags> {
  const file = resolve(path);
  const run = await runChild(sandbox, {
    command: [process.execPath, ...nodeArguments(file), ENTRY, file],
    limits: LIMITS,
    timeoutMs: TIMEOUT_MS,
    maxStdoutBytes: MAX_STDOUT_BYTES,
    signal,
  });
  const tags = run.outcome === "succeeded" ? parseTags(run.stdout) : null;
  if (tags === null) log.warn("tags_unreadable", { outcome: run.outcome });
  return tags ?? {};
}

function nodeArguments(file: string): string[] {
  const readable = [file, PACKAGE, libraryDirectory()];
  return [
    `--max-old-space-size=${HEAP_MB}`,
    "--permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    "--disable-warning=ExperimentalWarning",
  ];
}

/** The outermost node_modules that holds music-metadata: its own imports are links within it. */
function libraryDirectory(): string {
  const library = fileURLToPath(import.meta.resolve("music-metadata"));
  const marker = "/node_modules/";
  return library.slice(0, library.indexOf(marker) + marker.length - 1);
}

/** The child read untrusted bytes: what it says is no more trusted than they are. */
function parseTags(stdout: string): Tags | null {
  try {
    const parsed = tagsSchema.parse(JSON.parse(stdout));
    const cleaned = Object.entries(parsed).map(([name, value]) => [name, cleanValue(value)] as const);
    return Object.fromEntries(cleaned.filter(([, value]) => value !== "").slice(0, MAX_TAGS));
  } catch {
    return null;
  }
}

/** No control characters, and at most 1 kB of UTF-8 that doesn't end within a character. */
function cleanValue(value: string): string {
  const printable = value
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .toWellFormed();
  const bytes = Buffer.from(printable);
  if (bytes.length <= MAX_VALUE_BYTES) return printable;
  return new TextDecoder().decode(bytes.subarray(0, MAX_VALUE_BYTES), { stream: true });
}

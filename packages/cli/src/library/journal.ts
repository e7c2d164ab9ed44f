import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Home } from "../stack/home.ts";
import { isNotFound, readSecret, writeSecret } from "../stack/secret-file.ts";
import type { LibraryFile } from "./walk.ts";

const Entry = z.object({
  path: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  /** Of the whole file. */
  sha256: z.string(),
  /** What was asked, and of which API. */
  fingerprint: z.string(),
  /** `uploaded`: the bytes are there, and whether the job is was not heard. */
  state: z.enum(["uploaded", "submitted", "succeeded", "partial", "failed", "canceled", "expired"]),
  uploadId: z.string().optional(),
  jobId: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

/** What is known of one file of a library. */
export type Entry = z.output<typeof Entry>;

/**
 * What was done for the files of one library, a line each time something happened: a crash costs the last line at most. It lies in the
 * home, not in the library, which may be read-only; results lie beside it, one file a job, for their owner alone.
 */
export class Journal {
  readonly directory: string;
  readonly #entries: Map<string, Entry>;
  /** Paths by the hash of what they held once. */
  readonly #paths = new Map<string, string[]>();
  #written: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, entries: Map<string, Entry>) {
    this.directory = directory;
    this.#entries = entries;
    for (const entry of entries.values()) this.#index(entry);
  }

  /** With a journal of its own for each library, whichever way its path is written. */
  static async open(home: Home, root: string): Promise<Journal> {
    const name = createHash("sha256")
      .update(await realpath(root))
      .digest("hex")
      .slice(0, 16);
    const directory = join(home.scans, name);
    await mkdir(join(directory, "results"), { recursive: true, mode: 0o700 });
    const entries = await readEntries(join(directory, "journal"));
    const journal = new Journal(directory, entries);
    // Written anew at each opening, so that it is as long as the library and not as its history.
    await writeSecret(journal.#file, [...entries.values()].map((entry) => JSON.stringify(entry)).join("\n"));
    return journal;
  }

  get #file(): string {
    return join(this.directory, "journal");
  }

  get lockFile(): string {
    return join(this.directory, "lock");
  }

  get(path: string): Entry | undefined {
    return this.#entries.get(path);
  }

  /** Of all files with these bytes. */
  withBytes(sha256: string): Entry[] {
    const paths = this.#paths.get(sha256) ?? [];
    return paths.flatMap((path) => this.#entries.get(path) ?? []).filter((entry) => entry.sha256 === sha256);
  }

  entries(): Entry[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** One after the other, whoever calls. */
  put(entry: Entry): Promise<void> {
    this.#entries.set(entry.path, entry);
    this.#index(entry);
    const written = this.#written.then(() => appendFile(this.#file, `${JSON.stringify(entry)}\n`));
    this.#written = written.catch(() => {});
    return written;
  }

  keepResult(jobId: string, result: unknown): Promise<void> {
    return writeSecret(this.#resultFile(jobId), JSON.stringify(result));
  }

  /** null: it was not kept, or was removed. */
  async result(jobId: string): Promise<unknown> {
    const text = await readSecret(this.#resultFile(jobId));
    return text === null ? null : JSON.parse(text);
  }

  #index({ path, sha256 }: Entry): void {
    const paths = this.#paths.get(sha256);
    if (paths === undefined) this.#paths.set(sha256, [path]);
    else if (!paths.includes(path)) paths.push(path);
  }

  #resultFile(jobId: string): string {
    return join(this.directory, "results", `${jobId}.json`);
  }
}

/** Whether the file is as it was. */
export function isAsBefore(file: LibraryFile, entry: Entry): boolean {
  return file.size === entry.size && file.mtimeMs === entry.mtimeMs;
}

async function readEntries(file: string): Promise<Map<string, Entry>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (isNotFound(error)) return "";
    throw error;
  });
  const entries = new Map<string, Entry>();
  for (const line of text.split("\n")) {
    const entry = Entry.safeParse(parsed(line));
    if (entry.success) entries.set(entry.data.path, entry.data);
  }
  return entries;
}

/** undefined: a line that a crash cut off. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A directory of test audio that ffmpeg makes by formula. */
export interface Corpus extends AsyncDisposable {
  path(name: string): string;
  /** Runs ffmpeg with these words and `name` as its output. Returns the file's path. */
  make(name: string, ...words: string[]): Promise<string>;
  write(name: string, content: string | Uint8Array): Promise<string>;
}

export async function createCorpus(): Promise<Corpus> {
  const directory = await mkdtemp(join(tmpdir(), "earshot-input-"));
  const path = (name: string) => join(directory, name);
  return {
    path,
    async make(name, ...words) {
      await run("ffmpeg", ["-nostdin", "-v", "error", "-y", ...words, path(name)]);
      return path(name);
    },
    async write(name, content) {
      await writeFile(path(name), content);
      return path(name);
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true });
    },
  };
}

/** ffmpeg's words for a sine on every channel. */
export function sine(options: {
  seconds: number;
  rateHz: number;
  channels?: number;
  amplitude?: number;
}): string[] {
  const { seconds, rateHz, channels = 1, amplitude = 0.5 } = options;
  const wave = Array(channels).fill(`${amplitude}*sin(440*2*PI*t)`).join("|");
  return ["-f", "lavfi", "-i", `aevalsrc=${wave}:d=${seconds}:s=${rateHz}`];
}

/** Ids of live processes whose command line mentions `text`. */
export async function processesOf(text: string): Promise<number[]> {
  const { stdout } = await run("ps", ["-ax", "-ww", "-o", "pid=,stat=,args="], { maxBuffer: 16 * 1024 ** 2 });
  const lines = stdout.split("\n").filter((line) => line.includes(text));
  return lines
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([pid, state]) => (state?.startsWith("Z") ? [] : [Number(pid)]));
}

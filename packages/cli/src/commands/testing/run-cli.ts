import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { runCommand } from "../run.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export const SAMPLE = fileURLToPath(new URL("../../../../../samples/hello-earshot.flac", import.meta.url));

export interface CliOptions {
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

export interface CliRun {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the real command line in a process of its own, with nothing of ours in its environment but PATH. */
export function spawnCli(
  args: readonly string[],
  { env = {}, cwd }: CliOptions = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** Runs it to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const child = spawnCli(args, options);
  const exit = once(child, "exit") as Promise<[number | null]>;
  const [[status], stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}

/** The same in this process, for commands that need none of their own: ten times as quick. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CliRun> {
  const [out, err]: [string[], string[]] = [[], []];
  const status = await runCommand(args, {
    env,
    out: (line) => out.push(`${line}\n`),
    err: (line) => err.push(`${line}\n`),
    progress: { isTTY: false, write: () => true },
    signal: new AbortController().signal,
  });
  return { status, stdout: out.join(""), stderr: err.join("") };
}

/** The lines of stdout, each of which must be JSON. */
export function jsonLines({ stdout }: Pick<CliRun, "stdout">): unknown[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findDescendants } from "@earshot/testkit/processes";
import { until } from "@earshot/testkit/until";
import { spawnCli } from "./run-cli.ts";

/** A running `earshot up`. */
export interface Up {
  child: ChildProcess;
  pid: number;
  /** All it has printed so far, stdout and stderr. */
  output(): string;
  /** Resolves once it serves; fails when it ends before. */
  serving(): Promise<void>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ status: number | null; seconds: number }>;
}

export function spawnUp(env: Readonly<Record<string, string>>, ...args: string[]): Up {
  const child = spawnCli(["up", ...args], { env });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => void (printed += chunk));
  }
  const exited = once(child, "exit") as Promise<[number | null]>;
  return {
    child,
    pid: child.pid ?? 0,
    output: () => printed,
    async serving() {
      const serves = until(() => printed.includes("serving at"), { timeoutMs: 60_000, describe: "serving" });
      const ended = exited.then(() => Promise.reject(new Error(`up ended:\n${printed}`)));
      await Promise.race([serves, ended]);
    },
    async end(signal) {
      const started = performance.now();
      child.kill(signal);
      const [status] = await exited;
      return { status, seconds: (performance.now() - started) / 1_000 };
    },
  };
}

/** The pid of one of its processes, by the name of its main. */
export async function pidOf(up: Up, main: string): Promise<number> {
  const found = await until(
    async () => (await findDescendants(up.pid)).find(({ command }) => command.includes(main)),
    { describe: `a process that runs ${main}` },
  );
  return found.pid;
}

export async function readKey(home: string): Promise<string> {
  return (await readFile(join(home, "api-key"), "utf8")).trim();
}

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Readable } from "node:stream";
import { confine, isLauncherFailure } from "./sandbox.ts";
import type { ChildLimits, Sandbox } from "./sandbox.ts";

interface ChildCommand {
  command: readonly string[];
  /** How many output pipes the child gets: descriptors 1, 3, 4 and so on. */
  pipes: number;
  limits: ChildLimits;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what it said, a few kB at most. */
  stderr: string;
}

export interface Child {
  pipes: readonly Readable[];
  /** Settles when the process is gone and its pipes are closed. Rejects if it could not be started. */
  exited: Promise<Exit>;
  /** SIGKILL to its whole group; resolves when it is gone. Nothing happens to a child that has ended. */
  kill(): Promise<void>;
}

const STDERR_BYTES = 4_096;

/**
 * Starts a confined child over untrusted bytes. It inherits no environment and no stdin, and leads a session
 * of its own, so that a terminal's Ctrl-C doesn't reach it before the worker has decided what to do.
 * Whoever calls this has to `kill()` in a `finally`.
 */
export function spawnChild(sandbox: Sandbox, { command, pipes, limits }: ChildCommand): Child {
  const [program = "", ...args] = confine(sandbox, limits, command);
  const extraPipes = Array<"pipe">(Math.max(0, pipes - 1)).fill("pipe");
  const child = spawn(program, args, {
    cwd: "/",
    detached: true,
    env: { PATH: sandbox.searchPath, LANG: "C.UTF-8" },
    stdio: ["ignore", "pipe", "pipe", ...extraPipes],
  });
  const exited = exitOf(child);
  return {
    pipes: [1, ...extraPipes.map((_, index) => index + 3)].map((descriptor) =>
      readablePipe(child, descriptor),
    ),
    exited,
    kill: () => killGroup(child, exited),
  };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  const { promise, resolve, reject } = Promise.withResolvers<Exit>();
  // Its rejection is for whoever awaits it; a killed child's may go unheard.
  promise.catch(() => {});
  // Listened to before the pipes are looked at: without free descriptors there are none, and the error comes later.
  child.once("error", (cause) => reject(new Error("A sandboxed child could not be started", { cause })));
  const stderr = tailOf(readablePipe(child, 2), STDERR_BYTES);
  child.once("close", (code, signal) => {
    const exit = { code, signal, stderr: stderr() };
    if (code === 0 || !isLauncherFailure(exit.stderr)) return resolve(exit);
    reject(new Error(`A sandboxed child could not be started: ${exit.stderr}`));
  });
  return promise;
}

async function killGroup(child: ChildProcess, exited: Promise<Exit>): Promise<void> {
  if (child.pid === undefined) return;
  const isRunning = child.exitCode === null && child.signalCode === null;
  // Once it was reaped its number may belong to somebody else.
  if (isRunning) signalGroup(child.pid);
  for (const pipe of child.stdio) pipe?.destroy();
  await exited.catch(() => {});
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Reads a stream to its end, so that its writer never blocks, and remembers only the last `maxBytes`. */
function tailOf(stream: Readable, maxBytes: number): () => string {
  let tail = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-maxBytes);
  });
  return () => tail.toString("utf8").trim();
}

function readablePipe(child: ChildProcess, descriptor: number): Readable {
  const pipe = child.stdio[descriptor];
  if (!(pipe instanceof Readable)) throw new Error(`A sandboxed child has no pipe ${descriptor}`);
  return pipe;
}

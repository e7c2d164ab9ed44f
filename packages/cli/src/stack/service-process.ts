import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { rejectOnAbort } from "@earshot/shared/pause";
import type { Home } from "./home.ts";
import { forgetProcess, rememberProcess } from "./leftovers.ts";
import { openLogFile } from "./log-file.ts";

/** One process of the stack: what it runs, and all that it is told. */
export interface ServiceSpec {
  name: string;
  /** Path of its main. */
  main: string;
  args?: readonly string[];
  /** The whole environment: nothing of ours comes along. */
  env: Readonly<Record<string, string>>;
  /** From SIGTERM to SIGKILL. */
  stopWithinMs: number;
}

export interface ServiceContext {
  home: Home;
  /** `file`: `<home>/logs/<name>.log`. `terminal`: our own stderr. */
  output: "file" | "terminal";
}

export interface ServiceExit {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** It ended, or said nothing, where it should have said that it is ready. */
export class ServiceNotReady extends Error {
  override readonly name = "ServiceNotReady";
  readonly service: string;
  readonly exit: ServiceExit | null;

  constructor(service: string, exit: ServiceExit | null) {
    super(
      exit === null ? `${service} did not become ready.` : `${service} ended with ${describeExit(exit)}.`,
    );
    this.service = service;
    this.exit = exit;
  }
}

export interface ServiceProcess {
  pid: number;
  /** Its first message. */
  ready: unknown;
  /** Never rejects. */
  exited: Promise<ServiceExit>;
  /** SIGTERM, and SIGKILL for one that takes too long. Resolves when it is gone. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const STDERR = 2;

/**
 * Starts a process and waits for its first message. It lives in a session of its own, so a terminal's Ctrl-C doesn't
 * reach it, and it drains when this process dies, because the channel between them closes.
 * @throws ServiceNotReady, or the signal's reason; nothing runs then.
 */
export async function startService(
  spec: ServiceSpec,
  { home, output }: ServiceContext,
  signal: AbortSignal,
): Promise<ServiceProcess> {
  signal.throwIfAborted();
  const { child, exited, firstMessage } = await spawnService(spec, { home, output });
  const stop = () => stopChild(child, exited, spec.stopWithinMs);
  try {
    const pid = child.pid ?? 0;
    if (pid > 0) await rememberProcess(home, spec.name, pid);
    const ready = await becameReady(spec.name, { firstMessage, exited }, signal);
    return { pid, ready, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Spawned {
  child: ChildProcess;
  exited: Promise<ServiceExit>;
  firstMessage: Promise<unknown>;
}

async function spawnService(spec: ServiceSpec, { home, output }: ServiceContext): Promise<Spawned> {
  await using log = output === "file" ? await openLogFile(home, spec.name) : null;
  // The child writes to the file itself: its last words are kept even when this process was killed.
  const target = log?.fd ?? STDERR;
  const child = fork(spec.main, [...(spec.args ?? [])], {
    env: { ...spec.env },
    execArgv: [],
    detached: true,
    stdio: ["ignore", target, target, "ipc"],
  });
  return {
    child,
    exited: exitOf(child).finally(() => forgetProcess(home, spec.name)),
    firstMessage: new Promise((resolve) => child.once("message", resolve)),
  };
}

async function becameReady(
  name: string,
  { firstMessage, exited }: Pick<Spawned, "firstMessage" | "exited">,
  signal: AbortSignal,
): Promise<unknown> {
  const settled = new AbortController();
  const late = AbortSignal.timeout(READY_WITHIN_MS);
  const ended = exited.then((exit) => Promise.reject(new ServiceNotReady(name, exit)));
  try {
    return await Promise.race([
      firstMessage,
      ended,
      rejectOnAbort(AbortSignal.any([signal, late, settled.signal])),
    ]);
  } catch (error) {
    throw late.aborted && !signal.aborted ? new ServiceNotReady(name, null) : error;
  } finally {
    settled.abort();
  }
}

async function stopChild(child: ChildProcess, exited: Promise<ServiceExit>, withinMs: number): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
  child.kill("SIGTERM");
  await exited;
  clearTimeout(timer);
}

function exitOf(child: ChildProcess): Promise<ServiceExit> {
  return new Promise((resolve) => {
    child.on("error", () => {
      if (child.pid === undefined) resolve({ status: null, signal: null });
    });
    child.once("exit", (status, signal) => resolve({ status, signal }));
  });
}

export function describeExit({ status, signal }: ServiceExit): string {
  return signal ?? `status ${status ?? "unknown"}`;
}

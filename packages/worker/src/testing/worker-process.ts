import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findDescendants } from "@earshot/testkit/processes";
import type { RunningProcess } from "@earshot/testkit/processes";
import { askWorkers } from "../status-socket.ts";
import { workerStatus } from "../worker-status.ts";
import type { WorkerStatus } from "../worker-status.ts";
import type { TestStack } from "./test-stack.ts";

/** A worker in its own process, as it runs on a GPU box. */
export interface WorkerProcess extends AsyncDisposable {
  pid: number;
  /** Where it tells of itself, if its environment says so. */
  metricsUrl: string;
  /** Where it reads its settings from at each SIGHUP, before its environment. */
  envFile: string;
  home: string;
  /** What it says of itself over its socket. */
  status(): Promise<WorkerStatus>;
  /** What it wrote to stderr so far. */
  log(): string;
  children(): Promise<RunningProcess[]>;
  /** SIGKILL, as the kernel's out-of-memory killer does it. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit status. */
  drain(): Promise<number | null>;
  /** @returns the exit status, once it ends by itself. */
  ended(): Promise<number | null>;
}

const MAINS = { analyze: "analyze.main.ts", deliver: "deliver.main.ts" } as const;

export async function startWorkerProcess(
  stack: TestStack,
  env: Record<string, string> = {},
  main: keyof typeof MAINS = "analyze",
): Promise<WorkerProcess> {
  const home = await mkdtemp(join(tmpdir(), "earshot-test-home-"));
  const envFile = join(home, "worker.env");
  await writeFile(envFile, "", { mode: 0o600 });
  const entry = fileURLToPath(new URL(`../${MAINS[main]}`, import.meta.url));
  const child = fork(entry, {
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: {
      PATH: process.env["PATH"],
      EARSHOT_DATABASE_URL: main === "analyze" ? stack.database.urls.worker : stack.database.urls.deliver,
      EARSHOT_QUEUE_URL: stack.queue.url,
      EARSHOT_QUEUE_ENDPOINT: stack.queue.endpoint,
      EARSHOT_BLOBS: stack.blobs,
      EARSHOT_SEAL_KEYS: stack.sealKeys,
      EARSHOT_ALLOW_LOOPBACK: "1",
      EARSHOT_LANES: "1",
      EARSHOT_HOME: home,
      EARSHOT_ENV_FILE: envFile,
      ...env,
    },
  });
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const { metricsPort } = await ready(child, () => log);
  const pid = child.pid ?? 0;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    const [code] = await exited;
    return code as number | null;
  };
  return {
    pid,
    envFile,
    home,
    metricsUrl: `http://127.0.0.1:${metricsPort}`,
    status: () => statusAt(home),
    log: () => log,
    children: () => findDescendants(pid),
    async kill() {
      await end("SIGKILL");
    },
    drain: () => end("SIGTERM"),
    async ended() {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return child.exitCode;
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function statusAt(home: string): Promise<WorkerStatus> {
  const [answer] = await askWorkers(home);
  if (answer === undefined || "error" in answer) throw new Error(`the worker says: ${answer?.error}`);
  return workerStatus.parse(answer.said);
}

async function ready(child: ChildProcess, log: () => string): Promise<{ metricsPort?: number }> {
  const exited = once(child, "exit").then(([code]) => {
    throw new Error(`the worker ended with ${code} before it was ready:\n${log()}`);
  });
  exited.catch(() => {});
  const [message] = await Promise.race([once(child, "message"), exited]);
  return message as { metricsPort?: number };
}

import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "@earshot/shared/pause";
import type { Home } from "./home.ts";
import { identifyProcess, isRunning, processIdentity } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";

// A worker whose parent was killed drains for about this long, then it is ended.
const DRAIN_MS = 7_500;
const LOOK_EVERY_MS = 50;

/** Writes down a process of this stack, so that the next start can find it should this one be killed. */
export async function rememberProcess(home: Home, name: string, pid: number): Promise<void> {
  const identity = await identifyProcess(pid);
  if (identity !== null)
    await writeFile(join(home.processes, name), JSON.stringify(identity), { mode: 0o600 });
}

export function forgetProcess(home: Home, name: string): Promise<void> {
  return rm(join(home.processes, name), { force: true });
}

/** Ends what a killed stack has left: its processes drain by themselves when they lose it, and need a moment. */
export async function stopLeftovers(home: Home, signal: AbortSignal): Promise<void> {
  const names = await readdir(home.processes);
  const found = await Promise.all(names.map((name) => readIdentity(join(home.processes, name))));
  const left = found.filter((identity) => identity !== null);
  for (const identity of left) await tell(identity, "SIGTERM");
  const deadline = performance.now() + DRAIN_MS;
  while ((await isAnyRunning(left)) && performance.now() < deadline && !signal.aborted) {
    await pause(LOOK_EVERY_MS, signal);
  }
  signal.throwIfAborted();
  for (const identity of left) await tell(identity, "SIGKILL");
  await Promise.all(names.map((name) => forgetProcess(home, name)));
}

async function tell(identity: ProcessIdentity, name: NodeJS.Signals): Promise<void> {
  if (!(await isRunning(identity))) return;
  try {
    process.kill(identity.pid, name);
  } catch {
    // It went in this very moment.
  }
}

async function isAnyRunning(identities: readonly ProcessIdentity[]): Promise<boolean> {
  return (await Promise.all(identities.map(isRunning))).some(Boolean);
}

async function readIdentity(path: string): Promise<ProcessIdentity | null> {
  try {
    return processIdentity.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null; // Half written by a process that was killed: it had started nothing yet.
  }
}

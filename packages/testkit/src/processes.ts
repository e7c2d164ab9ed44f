import { readFile, readdir } from "node:fs/promises";
import { until } from "./until.ts";

export interface RunningProcess {
  pid: number;
  parentPid: number;
  /** Its arguments, separated by spaces. */
  command: string;
}

/** Every process of this machine that still runs. A zombie doesn't: it only waits to be noticed. Linux only. */
export async function findProcesses(): Promise<RunningProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid)).catch(() => null)));
  return found.filter((process) => process !== null);
}

/** Its children, their children, and so on. One whose parent has died counts as nobody's. */
export async function findDescendants(pid: number): Promise<RunningProcess[]> {
  const all = await findProcesses();
  const below = (parent: number): RunningProcess[] =>
    all.filter(({ parentPid }) => parentPid === parent).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

/** Those whose command line names `text`, for instance a home: this finds what has left its parent, too. */
export async function findByCommand(text: string): Promise<RunningProcess[]> {
  return (await findProcesses()).filter(({ pid, command }) => pid !== process.pid && command.includes(text));
}

/** Fails with their command lines if some of them are still there after `timeoutMs`. */
export async function expectNoProcess(
  find: () => Promise<RunningProcess[]>,
  { timeoutMs = 2_000 }: { timeoutMs?: number } = {},
): Promise<void> {
  let left: RunningProcess[] = [];
  const areGone = async () => (left = await find()).length === 0;
  await until(areGone, { timeoutMs, describe: "no process left" }).catch(() => {
    throw new Error(`Processes are left:\n${left.map(({ pid, command }) => `${pid} ${command}`).join("\n")}`);
  });
}

/** proc(5): the name in /proc/PID/stat is in parentheses and may hold some itself; state and parent follow. */
async function readProcess(pid: number): Promise<RunningProcess | null> {
  const [status, command] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile(`/proc/${pid}/cmdline`, "utf8"),
  ]);
  const [state, parentPid] = status.slice(status.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return null;
  return { pid, parentPid: Number(parentPid), command: command.replaceAll("\0", " ").trim() };
}

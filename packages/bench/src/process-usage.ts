import { readFileSync, readdirSync } from "node:fs";

/** proc(5) counts CPU in ticks of a hundredth of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of a process, with those of its children that have ended and were waited for. 0: it is gone. */
export function cpuSecondsOf(pid: number): number {
  const [user = 0, system = 0, childUser = 0, childSystem = 0] =
    statusOf(pid)?.slice(11, 15).map(Number) ?? [];
  return (user + system + childUser + childSystem) / TICKS_PER_SECOND;
}

/** CPU milliseconds of all threads of a process that live, to the nanosecond: for what takes less than some ticks. */
export function threadMillisecondsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0] ?? 0),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1_000_000;
}

/** Resident megabytes of a process and everything below it, at this moment. */
function residentMbOf(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + residentKbOf(each), 0) / 1_024;
}

export interface PeakWatch extends Disposable {
  /** The largest sum so far, in MB. */
  peakMb(): number;
}

const LOOK_EVERY_MS = 50;

export function watchResident(pid: number): PeakWatch {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, residentMbOf(pid));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  look();
  return { peakMb: () => peak, [Symbol.dispose]: () => clearInterval(timer) };
}

function descendantsOf(pid: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: Number(statusOf(Number(name))?.[1]) }));
  const below = (parent: number): number[] =>
    parents.filter((child) => child.parent === parent).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(pid);
}

function residentKbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? 0);
}

/** The fields of /proc/PID/stat from the state on: the name before it may hold anything. */
function statusOf(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** null: the process has gone in the meantime. */
function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

import { readdirSync, readFileSync } from "node:fs";

/** Peaks of resident memory while it was watched, in MB. */
export interface MemoryPeaks {
  /** Of this process. */
  ownMb: number;
  /** Of the largest of its children, by the name of the program. */
  childrenMb: Readonly<Record<string, number>>;
}

export interface MemoryWatch extends Disposable {
  /** Since the watch began. */
  peaks(): MemoryPeaks;
}

const INTERVAL_MS = 10;

/**
 * Looks at this process and its children in /proc every few milliseconds. Of a child the kernel's own high-water mark is
 * read, so only what it grew by since the last look is missed. Linux only.
 */
export function watchMemory(): MemoryWatch {
  let ownMb = 0;
  const childrenMb: Record<string, number> = {};
  const look = () => {
    ownMb = Math.max(ownMb, residentMb(process.pid, "VmRSS"));
    for (const pid of childPids()) {
      const name = programOf(pid);
      childrenMb[name] = Math.max(childrenMb[name] ?? 0, residentMb(pid, "VmHWM"));
    }
  };
  const timer = setInterval(look, INTERVAL_MS);
  look();
  return {
    peaks() {
      look();
      return { ownMb, childrenMb: { ...childrenMb } };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** proc(5): each thread lists the children that it started. */
function childPids(): number[] {
  return readdirSync("/proc/self/task").flatMap((thread) =>
    readProc(`self/task/${thread}/children`).split(" ").filter(Boolean).map(Number),
  );
}

function programOf(pid: number): string {
  return readProc(`${pid}/comm`).trim();
}

export function residentMb(pid: number, field: "VmRSS" | "VmHWM"): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readProc(`${pid}/status`))?.[1] ?? 0;
  return Number(kilobytes) / 1024;
}

/** Empty when the process has gone in the meantime. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

import { readFile } from "node:fs/promises";
import * as z from "zod";

/** Names one process for good: its number alone may belong to another one later. */
export const processIdentity = z.object({
  pid: z.int().positive(),
  /** When it started, in the kernel's own count; empty where it can't be asked. */
  startedAt: z.string(),
});

export type ProcessIdentity = z.output<typeof processIdentity>;

/** null when no such process runs. A zombie doesn't: it only waits to be noticed. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  if (process.platform !== "linux") return isThere(pid) ? { pid, startedAt: "" } : null;
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (status === null) return null;
  // proc(5): the name in parentheses may hold some itself. The state is field 3, the start time field 22.
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  const [state, startedAt] = [fields[0], fields[19]];
  return state === "Z" || state === "X" || startedAt === undefined ? null : { pid, startedAt };
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const found = await identifyProcess(identity.pid);
  return found !== null && found.startedAt === identity.startedAt;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

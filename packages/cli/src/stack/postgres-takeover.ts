import { readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openDatabase } from "@earshot/shared/db/database";
import { readIfThere, urlOf } from "./postgres-cluster.ts";
import type { Cluster } from "./postgres-cluster.ts";
import { PostgresError } from "./postgres-error.ts";

/**
 * The port of a server that an earlier run left on this cluster, or null. Only a connection with our password
 * proves it: a pid may be a zombie's, or belong to another program since. A stale pid file is removed.
 */
export async function findRunningServer(cluster: Cluster, signal: AbortSignal): Promise<number | null> {
  for (;;) {
    signal.throwIfAborted();
    const postmaster = await readPidFile(cluster);
    if (postmaster === null) return null;
    if (await answers(cluster, postmaster.port)) return postmaster.port;
    if (!(await mayBePostmaster(postmaster.pid, cluster.dataDirectory))) {
      await rm(pidFileOf(cluster), { force: true });
      return null;
    }
    // It is starting, recovering or stopping: all of these end.
    await delay(100, undefined, { signal });
  }
}

async function answers(cluster: Cluster, port: number): Promise<boolean> {
  const database = openDatabase({ url: urlOf(cluster, port), max: 1, name: "earshot takeover" });
  try {
    await database.sql`select 1`;
    return true;
  } catch (cause) {
    if (codeOf(cause) !== PASSWORD_REFUSED) return false;
    throw new PostgresError(`A Postgres on port ${port} refuses this home's password.`, { cause });
  } finally {
    await database.close();
  }
}

const PASSWORD_REFUSED = "28P01";

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Line 1 is the pid, line 4 the port (postmaster.pid in PostgreSQL's src/include/utils/pidfile.h). */
async function readPidFile(cluster: Cluster): Promise<{ pid: number; port: number } | null> {
  const lines = (await readIfThere(pidFileOf(cluster)))?.split("\n");
  return lines ? { pid: Number(lines[0]), port: Number(lines[3]) } : null;
}

function pidFileOf(cluster: Cluster): string {
  return join(cluster.dataDirectory, "postmaster.pid");
}

/** A postmaster works in its data directory; a zombie works nowhere. Only Linux can tell. */
async function mayBePostmaster(pid: number, dataDirectory: string): Promise<boolean> {
  if (process.platform !== "linux") return isAlive(pid);
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === dataDirectory;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

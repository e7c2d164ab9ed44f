import { setTimeout as delay } from "node:timers/promises";
import type { OpenDatabase } from "@earshot/shared/db/database";
import type { JobWatch } from "./watch-jobs.ts";

const CHANNEL = "earshot_jobs";

/** A notification that got lost costs a waiter this long. */
const RECHECK_MS = 5_000;

export interface ClosableJobWatch extends JobWatch {
  /** Ends every wait; those who wait get null. */
  close(): Promise<void>;
}

type Wake = () => void;

/** One LISTEN connection for all who wait. It comes back by itself, and then everybody looks again. */
export async function watchJobs(
  sql: OpenDatabase["sql"],
  options: { recheckMs?: number } = {},
): Promise<ClosableJobWatch> {
  const waiters = new Map<string, Set<Wake>>();
  const closing = new AbortController();
  const wake = (jobId: string) => waiters.get(jobId)?.forEach((wakeOne) => wakeOne());
  const wakeAll = () => [...waiters.keys()].forEach(wake);
  const { unlisten } = await sql.listen(CHANNEL, wake, wakeAll);

  return {
    async waitFor({ jobId }, check, { signal }) {
      const until = AbortSignal.any([signal, closing.signal]);
      const bell = ringable();
      const leave = join(waiters, jobId, bell.ring);
      try {
        // The first look comes after joining: a change in between rings.
        while (!until.aborted) {
          const rung = bell.next();
          const answer = await check();
          if (answer !== null) return answer;
          await firstOf(rung, options.recheckMs ?? RECHECK_MS, until);
        }
        return null;
      } finally {
        leave();
      }
    },
    async close() {
      closing.abort();
      await unlisten().catch(() => {}); // A connection that is gone listens to nothing.
    },
  };
}

function join(waiters: Map<string, Set<Wake>>, jobId: string, wake: Wake): () => void {
  const ofJob = waiters.get(jobId) ?? new Set();
  waiters.set(jobId, ofJob.add(wake));
  return () => {
    ofJob.delete(wake);
    if (ofJob.size === 0 && waiters.get(jobId) === ofJob) waiters.delete(jobId);
  };
}

/** `next` is a promise of the next ring after it was asked for. */
function ringable(): { ring: Wake; next(): Promise<void> } {
  let current = Promise.withResolvers<void>();
  return {
    ring: () => current.resolve(),
    next() {
      current = Promise.withResolvers<void>();
      return current.promise;
    },
  };
}

/** Resolves when `rung` does, when the time is up, or when `signal` aborts; leaves no timer behind. */
async function firstOf(rung: Promise<void>, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const timer = delay(timeoutMs, undefined, { signal: AbortSignal.any([signal, done.signal]) }).catch(
    () => {},
  );
  await Promise.race([rung, timer]);
  done.abort();
}

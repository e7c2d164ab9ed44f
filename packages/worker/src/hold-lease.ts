import type { Database } from "@earshot/shared/db/database";
import type { Progress } from "@earshot/shared/db/jobs/beat";
import { beat } from "@earshot/shared/db/jobs/beat";
import type { Lease } from "@earshot/shared/db/jobs/job";
import { pause } from "@earshot/shared/pause";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { Interruption } from "./interruption.ts";

export interface HeldLease extends AsyncDisposable {
  /** Aborts with an Interruption when the work must stop. */
  readonly signal: AbortSignal;
  /** The latest progress; it travels with the next beat. */
  report(progress: Progress): void;
}

export interface HoldLeaseOptions {
  db: Database;
  lease: Lease;
  leaseSeconds: number;
  log: Log;
}

// Progress travels at most this often.
const PROGRESS_MS = 2_000;

/**
 * Keeps a lease alive until it is disposed: a beat each quarter of it, so that two may fail. A beat that *errors* is
 * tried again until five sixths of the lease have passed since the last good one: a database that restarts in two
 * seconds must not throw away hours of work.
 */
export function holdLease({ db, lease, leaseSeconds, log }: HoldLeaseOptions): HeldLease {
  const interrupted = new AbortController();
  const released = new AbortController();
  const everyMs = (leaseSeconds * 1_000) / 4;
  const giveUpMs = (leaseSeconds * 1_000 * 5) / 6;
  let progress: Progress = { stage: "claimed", fraction: 0 };
  let lastGood = performance.now();

  function giveUpInTime(): void {
    if (performance.now() - lastGood > giveUpMs) interrupted.abort(new Interruption("database_lost"));
  }

  async function tick(sent: Progress): Promise<void> {
    try {
      const state = await beat(db, lease, { leaseSeconds, progress: sent });
      lastGood = performance.now();
      if (state === "lost") interrupted.abort(new Interruption("lease_lost"));
      if (state === "canceling") interrupted.abort(new Interruption("canceling"));
    } catch (error) {
      log.warn("beat_failed", { job_id: lease.jobId, ...describeError(error) });
      giveUpInTime();
    }
  }

  async function beats(): Promise<void> {
    let sent = progress;
    while (!released.signal.aborted && !interrupted.signal.aborted) {
      await pause(Math.min(PROGRESS_MS, everyMs), released.signal);
      const isDue = performance.now() - lastGood >= everyMs;
      if (released.signal.aborted || (!isDue && progress === sent)) continue;
      sent = progress;
      await tick(sent);
    }
  }

  // A beat that hangs on a dead connection must not hide that time runs out.
  const watchdog = setInterval(giveUpInTime, 1_000);
  const beating = beats();

  return {
    signal: interrupted.signal,
    report(next) {
      progress = next;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(watchdog);
      released.abort();
      // A beat under way may hang with its connection; the job is settled, so nobody waits for it.
      await Promise.race([beating, pause(1_000)]);
    },
  };
}

import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { Database } from "@earshot/shared/db/database";
import { numberEvents } from "@earshot/shared/db/number-events";
import {
  cancelLostJobs,
  dropExpiredResults,
  dropUnneededUploads,
  dueBlobDeletions,
  expireQueuedJobs,
  failExhaustedJobs,
  forgetBlobs,
  forgetIdempotencyKeys,
  SWEEP_BATCH,
  withSweepLock,
} from "@earshot/shared/db/sweep";
import { forgetEvents, purgeDeletedAccounts, scrubDeletedJobs } from "@earshot/shared/db/retention";
import { forgetRateWindows } from "@earshot/shared/db/rate-windows";
import type { Random } from "@earshot/shared/domain/backoff";
import { jittered } from "@earshot/shared/domain/backoff";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";

export interface SweepOptions {
  /** Needs two connections: one holds the lock while the batches commit on another. */
  db: Database;
  blobs: Pick<BlobStore, "delete">;
  log: Log;
  random: Random;
  /** Events, and what was sent of them. */
  eventsKeptDays?: number;
  periodMs?: number;
}

export interface Sweep {
  /** Sweeps each period until `stop` aborts; a failure is logged and the next period tries again. */
  run(stop: AbortSignal): Promise<void>;
  /** @returns false when another process is sweeping. */
  once(stop: AbortSignal): Promise<boolean>;
}

/** Works on one batch. @returns how many rows it touched. */
type Step = (options: SweepOptions) => Promise<number>;

const STEPS: Readonly<Record<string, Step>> = {
  number_events: ({ db }) => numberEvents(db),
  expire_queued_jobs: ({ db }) => expireQueuedJobs(db),
  cancel_lost_jobs: ({ db }) => cancelLostJobs(db),
  fail_exhausted_jobs: ({ db }) => failExhaustedJobs(db),
  drop_expired_results: ({ db }) => dropExpiredResults(db),
  drop_unneeded_uploads: ({ db }) => dropUnneededUploads(db),
  forget_idempotency_keys: ({ db }) => forgetIdempotencyKeys(db),
  forget_rate_windows: ({ db }) => forgetRateWindows(db),
  forget_events: ({ db, eventsKeptDays = 30 }) => forgetEvents(db, eventsKeptDays),
  scrub_deleted_jobs: ({ db }) => scrubDeletedJobs(db),
  purge_deleted_accounts: ({ db }) => purgeDeletedAccounts(db),
  delete_blobs: deleteBlobs,
};

const PERIOD_MS = 5_000;
const BLOBS_AT_ONCE = 16;

/** Deadlines, lost leases, retention and blobs that nobody refers to: what no request and no worker is there to do. */
export function createSweep(options: SweepOptions): Sweep {
  const { db, log, random, periodMs = PERIOD_MS } = options;

  function once(stop: AbortSignal): Promise<boolean> {
    return withSweepLock(db, async () => {
      for (const [name, step] of Object.entries(STEPS)) await runStep(name, step, options, stop);
    });
  }

  async function run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await once(stop).catch((error: unknown) => log.warn("sweep_failed", describeError(error)));
      await pause(jittered(periodMs, random), stop);
    }
  }

  return { run, once };
}

/** One batch after the other while they are full. A step that fails is logged, and the others go on. */
async function runStep(name: string, step: Step, options: SweepOptions, stop: AbortSignal): Promise<void> {
  let rows = SWEEP_BATCH;
  try {
    while (rows >= SWEEP_BATCH && !stop.aborted) {
      rows = await step(options);
      if (rows > 0) options.log.info("swept", { step: name, rows });
    }
  } catch (error) {
    options.log.error("sweep_step_failed", { step: name, ...describeError(error) });
  }
}

/** Forgets only what is gone. @throws AggregateError when some could not be deleted; they stay due. */
async function deleteBlobs({ db, blobs }: SweepOptions): Promise<number> {
  const keys = await dueBlobDeletions(db);
  const faults: unknown[] = [];
  for (let at = 0; at < keys.length; at += BLOBS_AT_ONCE) {
    const some = keys.slice(at, at + BLOBS_AT_ONCE);
    const outcomes = await Promise.allSettled(some.map((key) => blobs.delete(key)));
    await forgetBlobs(
      db,
      some.filter((_, index) => outcomes[index]?.status === "fulfilled"),
    );
    faults.push(...outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : [])));
  }
  const [cause] = faults;
  if (cause !== undefined)
    throw new AggregateError(faults, `${faults.length} blobs were not deleted`, { cause });
  return keys.length;
}

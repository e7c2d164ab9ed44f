import type { SQL } from "drizzle-orm";
import { inArray, sql } from "drizzle-orm";
import { JOB_ERRORS } from "../domain/errors.ts";
import type { JobErrorCode } from "../domain/errors.ts";
import type { JobStatus } from "../domain/job-status.ts";
import { LIMITS } from "../domain/limits.ts";
import { nowAt } from "./clock.ts";
import type { Database } from "./database.ts";
import { endAttempt, NO_LEASE } from "./jobs/end-attempt.ts";
import { recordFinalEvent, retentionEnd } from "./jobs/finish-job.ts";
import { jobColumns } from "./jobs/job.ts";
import { scrubJobs } from "./scrub-jobs.ts";
import { blobDeletions, jobs } from "./schema.ts";

/** Rows that one statement of the sweep touches at most. */
export const SWEEP_BATCH = 500;
const batch = sql.raw(String(SWEEP_BATCH));
const keptSeconds = sql.raw(String(LIMITS.inputKeptSeconds));
const budget = {
  attempts: sql.raw(String(LIMITS.attempts)),
  charged: sql.raw(String(LIMITS.chargedAttempts)),
};

/** What the sweep looks for. Exported for the test that reads their plans. */
export const SWEEP_CANDIDATES = {
  pastDeadline: sql`
    select id from jobs where status = 'queued' and queue_deadline_at < now()
    order by queue_deadline_at limit ${batch} for update skip locked`,
  cancelingLost: sql`
    select id from jobs where status = 'canceling' and lease_until < now()
    order by lease_until limit ${batch} for update skip locked`,
  exhausted: sql`
    select id from jobs j where status = 'running' and lease_until < now() and (
      attempt >= ${budget.attempts}
      or (select count(*) from job_attempts a where a.job_id = j.id and a.charged) >= ${budget.charged})
    order by lease_until limit ${batch} for update skip locked`,
  pastRetention: sql`
    select id from jobs where deleted_at is null and finished_at is not null and expires_at < now()
    order by expires_at limit ${batch} for update skip locked`,
  // `offset 0` keeps the planner from joining with every job: an upload is looked up by itself.
  unneededUploads: sql`
    select u.id from uploads u where u.deleted_at is null
      and u.created_at < now() - make_interval(secs => ${keptSeconds})
      and not exists (
        select from jobs j where j.upload_id = u.id
          and (j.finished_at is null or j.finished_at > now() - make_interval(secs => ${keptSeconds})) offset 0)
    order by u.created_at limit ${batch} for update skip locked`,
} as const;

/** Jobs that no worker started in time. @returns how many. */
export function expireQueuedJobs(db: Database): Promise<number> {
  return endJobs(db, SWEEP_CANDIDATES.pastDeadline, "expired", "queue_deadline_exceeded");
}

/** Jobs that were told to stop, whose worker is gone. */
export function cancelLostJobs(db: Database): Promise<number> {
  return endJobs(db, SWEEP_CANDIDATES.cancelingLost, "canceled", "canceled");
}

/** Jobs whose lease ran out and that have used up their attempts. */
export function failExhaustedJobs(db: Database): Promise<number> {
  return endJobs(db, SWEEP_CANDIDATES.exhausted, "failed", "worker_lost");
}

/** Drops what is past its retention: results, vectors and what was asked. The job stays, as a tombstone. */
export async function dropExpiredResults(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    const ids = await idsOf(tx, SWEEP_CANDIDATES.pastRetention);
    if (ids.length > 0) await scrubJobs(tx, ids);
    return ids.length;
  });
}

/** Uploads that no job needs any more, or that were never used. */
export async function dropUnneededUploads(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    const ids = await idsOf(tx, SWEEP_CANDIDATES.unneededUploads);
    if (ids.length === 0) return 0;
    await tx.execute(sql`
      insert into blob_deletions (blob_key) select blob_key from uploads where id in ${ids} on conflict do nothing`);
    await tx.execute(sql`update uploads set deleted_at = now() where id in ${ids}`);
    return ids.length;
  });
}

export async function forgetIdempotencyKeys(db: Database): Promise<number> {
  const forgotten = await db.execute(sql`
    delete from idempotency_keys where (account_id, route, key) in (
      select account_id, route, key from idempotency_keys
      where created_at < now() - make_interval(secs => ${LIMITS.idempotencyKeptSeconds}) limit ${batch})
    returning key`);
  return forgotten.length;
}

/** Blobs whose deletion is due. Call `forgetBlobs` once they are gone. */
export async function dueBlobDeletions(db: Database): Promise<string[]> {
  const rows = await db.execute<{ blob_key: string }>(
    sql`select blob_key from blob_deletions where not_before <= ${nowAt()} order by not_before limit ${batch}`,
  );
  return rows.map((row) => row.blob_key);
}

export async function forgetBlobs(db: Database, keys: string[]): Promise<void> {
  if (keys.length > 0) await db.delete(blobDeletions).where(inArray(blobDeletions.blobKey, keys));
}

/** Orders the deletion of a blob that is about to be written; the transaction that refers to it takes the order back. */
export async function planBlobDeletion(
  db: Database,
  blobKey: string,
  notBeforeSeconds: number,
): Promise<void> {
  await db.execute(sql`
    insert into blob_deletions (blob_key, not_before)
    values (${blobKey}, now() + make_interval(secs => ${notBeforeSeconds})) on conflict do nothing`);
}

/** One sweep at a time in all. Runs `work` only where the lock was free. */
export async function withSweepLock(db: Database, work: (tx: Database) => Promise<void>): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [lock] = await tx.execute<{ ok: boolean }>(
      sql`select pg_try_advisory_xact_lock(hashtextextended('earshot sweep', 0)) as ok,
        -- Idle by design: the batches commit on another connection.
        set_config('idle_in_transaction_session_timeout', '600000', true)`,
    );
    if (lock?.ok) await work(tx);
    return lock?.ok ?? false;
  });
}

async function endJobs(
  db: Database,
  candidates: SQL,
  status: JobStatus,
  code: JobErrorCode,
): Promise<number> {
  return db.transaction(async (tx) => {
    const ids = await idsOf(tx, candidates);
    if (ids.length === 0) return 0;
    const ended = await tx
      .update(jobs)
      .set({
        status,
        finishedAt: sql`now()`,
        expiresAt: retentionEnd(),
        errorCode: code,
        errorMessage: JOB_ERRORS[code].title,
        ...NO_LEASE,
      })
      .where(inArray(jobs.id, ids))
      .returning(jobColumns());
    for (const job of ended) {
      await endAttempt(tx, { jobId: job.id, token: "", attempt: job.attempt }, "lease_expired");
      await recordFinalEvent(tx, job, []);
    }
    return ended.length;
  });
}

async function idsOf(tx: Database, candidates: SQL): Promise<string[]> {
  const rows = await tx.execute<{ id: string }>(candidates);
  return rows.map((row) => row.id);
}

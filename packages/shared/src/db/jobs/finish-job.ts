import { inArray, sql } from "drizzle-orm";
import { JOB_ERRORS } from "../../domain/errors.ts";
import type { JobEventType } from "../../domain/events.ts";
import type { InputInfo, TaskError } from "../../domain/results.ts";
import type { Database } from "../database.ts";
import { recordJobEvent } from "../events.ts";
import { blobDeletions, embeddings, jobs, taskResults } from "../schema.ts";
import { endAttempt, NO_LEASE } from "./end-attempt.ts";
import type { Job, Lease } from "./job.ts";
import { heldBy, jobColumns } from "./job.ts";
import type { StoredResult } from "./read-job.ts";

/** Without a sealed key its body is stored as it is. */
export type NewTaskResult = Omit<StoredResult, "jobId" | "attempt" | "position" | "sealedKey"> &
  Partial<Pick<StoredResult, "sealedKey">>;

export interface Finish {
  status: "succeeded" | "partial" | "failed";
  results: NewTaskResult[];
  embeddings: { space: string; vec: number[] }[];
  input: InputInfo | null;
  warnings: string[];
  computeSeconds: number;
  device: string | null;
  error: TaskError | null;
}

/**
 * Results, state, usage, the event and its delivery in one fenced transaction.
 * @returns false when the lease was lost or the job is being canceled: then nothing was written.
 */
export async function finishJob(db: Database, lease: Lease, finish: Finish): Promise<boolean> {
  return db.transaction(async (tx) => {
    const job = await close(tx, lease, finish);
    if (job === null) return false;
    await writeResults(tx, job, lease, finish);
    await endAttempt(tx, lease, finish.status);
    await recordFinalEvent(tx, job, finish.results);
    return true;
  });
}

/** A worker's answer to `canceling`. @returns false when the lease was lost. */
export async function cancelRunningJob(db: Database, lease: Lease): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [job] = await tx
      .update(jobs)
      .set({
        status: "canceled",
        finishedAt: sql`now()`,
        expiresAt: retentionEnd(),
        ...CANCELED,
        ...NO_LEASE,
      })
      .where(heldBy(lease, "canceling"))
      .returning(jobColumns());
    if (job === undefined) return false;
    await endAttempt(tx, lease, "canceled");
    await recordFinalEvent(tx, job, []);
    return true;
  });
}

export const CANCELED = { errorCode: "canceled", errorMessage: JOB_ERRORS.canceled.title } as const;

export const retentionEnd = () => sql`now() + make_interval(secs => ${jobs.retentionSeconds})`;

/** The event of a job that just reached a final state. */
export async function recordFinalEvent(
  tx: Database,
  job: Job,
  results: readonly NewTaskResult[],
): Promise<void> {
  if (job.finishedAt === null) throw new Error("the job is not final");
  await recordJobEvent(tx, job, `job.${job.status}` as JobEventType, {
    status: job.status,
    attempt: job.attempt,
    tasks: results,
    results,
    error: job.errorCode && { code: job.errorCode, message: job.errorMessage ?? "" },
    metadata: job.metadata,
    at: job.finishedAt,
  });
}

async function close(tx: Database, lease: Lease, finish: Finish): Promise<Job | null> {
  const [job] = await tx
    .update(jobs)
    .set({
      status: finish.status,
      finishedAt: sql`now()`,
      expiresAt: retentionEnd(),
      inputInfo: finish.input,
      warnings: finish.warnings,
      audioSeconds: finish.input?.duration_seconds ?? null,
      computeSeconds: finish.computeSeconds,
      device: finish.device,
      errorCode: finish.error?.code ?? null,
      errorMessage: finish.error?.message ?? null,
      errorDetail: finish.error?.detail ?? null,
      ...NO_LEASE,
    })
    .where(heldBy(lease, "running"))
    .returning(jobColumns());
  return job ?? null;
}

async function writeResults(tx: Database, job: Job, lease: Lease, finish: Finish): Promise<void> {
  if (finish.results.length > 0) {
    await tx.insert(taskResults).values(
      finish.results.map((result, position) => ({
        ...result,
        position,
        jobId: job.id,
        attempt: lease.attempt,
      })),
    );
  }
  if (finish.embeddings.length > 0) {
    await tx
      .insert(embeddings)
      .values(
        finish.embeddings.map((embedding) => ({ ...embedding, accountId: job.accountId, jobId: job.id })),
      );
  }
  // The blobs have an owner now: take back the order to delete them.
  const keys = finish.results.flatMap((result) => result.blobKey ?? []);
  if (keys.length > 0) await tx.delete(blobDeletions).where(inArray(blobDeletions.blobKey, keys));
}

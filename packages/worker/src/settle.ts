import { countCharged, refundAttempt, returnToQueue } from "@earshot/shared/db/jobs/end-attempt";
import { cancelRunningJob, finishJob } from "@earshot/shared/db/jobs/finish-job";
import type { Lease } from "@earshot/shared/db/jobs/job";
import type { Database } from "@earshot/shared/db/database";
import type { Random } from "@earshot/shared/domain/backoff";
import { retryDelaySeconds } from "@earshot/shared/domain/backoff";
import { AppError, isRetryable, jobErrorCode, titleOf } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { TaskError } from "@earshot/shared/domain/results";
import { Interruption } from "./interruption.ts";

/** What became of an attempt that gave no result. */
export type Settlement = "canceled" | "handed_back" | "database_lost" | "retried" | "failed" | "dropped";

/**
 * Writes what an error or an interruption means for the job. Every write is fenced, so `dropped` (somebody else has
 * the job now) changes nothing.
 */
export async function settle(
  db: Database,
  lease: Lease,
  error: unknown,
  random: Random,
): Promise<Settlement> {
  if (error instanceof Interruption) {
    switch (error.kind) {
      case "lease_lost":
        return "dropped";
      case "canceling":
        return (await cancelRunningJob(db, lease)) ? "canceled" : "dropped";
      case "draining":
        return handBack(db, lease);
      case "database_lost":
        // The lease may have run out meanwhile; the attempt is refunded in any case.
        if (!(await returnToQueue(db, lease, { outcome: "database_lost", delaySeconds: 0 }))) {
          await refundAttempt(db, lease);
        }
        return "database_lost";
    }
  }
  if (isRetryable(error) && (await hasAttemptsLeft(db, lease))) {
    const delaySeconds = retryDelaySeconds(lease.attempt, random);
    return (await returnToQueue(db, lease, { outcome: "retried", delaySeconds })) ? "retried" : "dropped";
  }
  return fail(db, lease, error);
}

async function handBack(db: Database, lease: Lease): Promise<Settlement> {
  // Free of charge, but not without end: a job must not go round for ever.
  if (lease.attempt >= LIMITS.attempts) return fail(db, lease, new AppError("worker_lost"));
  return (await returnToQueue(db, lease, { outcome: "handed_back", delaySeconds: 0 }))
    ? "handed_back"
    : "dropped";
}

async function fail(db: Database, lease: Lease, error: unknown): Promise<Settlement> {
  const failed = await finishJob(db, lease, {
    status: "failed",
    results: [],
    embeddings: [],
    input: null,
    warnings: [],
    computeSeconds: 0,
    device: null,
    error: taskErrorOf(error),
  });
  return failed ? "failed" : "dropped";
}

/** Whether the job may be tried again after this attempt. */
export async function hasAttemptsLeft(db: Database, lease: Lease): Promise<boolean> {
  if (lease.attempt >= LIMITS.attempts) return false;
  return (await countCharged(db, lease.jobId)) < LIMITS.chargedAttempts;
}

/** What a client is told of an error. The message of a bug stays in the log. */
function taskErrorOf(error: unknown): TaskError {
  const code = jobErrorCode(error);
  if (!(error instanceof AppError) || code === "internal") return { code, message: titleOf(code) };
  return { code, message: error.message, detail: error.detail };
}

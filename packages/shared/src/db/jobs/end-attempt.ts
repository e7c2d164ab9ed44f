import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import { LIMITS } from "../../domain/limits.ts";
import type { Database } from "../database.ts";
import type { AttemptOutcome } from "../schema.ts";
import { jobAttempts, jobs } from "../schema.ts";
import type { Lease } from "./job.ts";
import { heldBy } from "./job.ts";

/** Closes the row of an attempt; part of the transaction that ends it. */
export async function endAttempt(tx: Database, lease: Lease, outcome: AttemptOutcome): Promise<void> {
  await tx
    .update(jobAttempts)
    .set({ outcome, endedAt: sql`now()`, charged: isCharged(outcome) })
    .where(and(attemptOf(lease), isNull(jobAttempts.endedAt)));
}

/**
 * Puts the job back: at once after a drain, after `delaySeconds` when it is tried again. After its last attempt it stays
 * where it is, for nobody could claim it from the queue: its lease runs out and the sweep ends it.
 * @returns false: it was not put back, since the lease was lost or this was the last attempt.
 */
export async function returnToQueue(
  db: Database,
  lease: Lease,
  options: { outcome: "handed_back" | "database_lost" | "retried"; delaySeconds: number },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const returned = await tx
      .update(jobs)
      .set({
        status: "queued",
        claimableAt: sql`now() + make_interval(secs => ${options.delaySeconds})`,
        ...NO_LEASE,
      })
      .where(and(heldBy(lease, "running"), lt(jobs.attempt, LIMITS.attempts)))
      .returning({ id: jobs.id });
    if (returned.length === 0) return false;
    await endAttempt(tx, lease, options.outcome);
    return true;
  });
}

/**
 * Takes an attempt off the budget that is open, or that somebody took for lost meanwhile: losing the database was not the
 * job's fault. An attempt whose end did commit keeps its outcome. Idempotent, and needs no lease.
 */
export async function refundAttempt(db: Database, lease: Lease): Promise<void> {
  await db
    .update(jobAttempts)
    .set({ outcome: "database_lost", charged: false, endedAt: sql`coalesce(${jobAttempts.endedAt}, now())` })
    .where(and(attemptOf(lease), or(isNull(jobAttempts.outcome), eq(jobAttempts.outcome, "lease_expired"))));
}

export async function countCharged(db: Database, jobId: string): Promise<number> {
  return db.$count(jobAttempts, and(eq(jobAttempts.jobId, jobId), eq(jobAttempts.charged, true)));
}

export const NO_LEASE = { leaseToken: null, leaseUntil: null, progressStage: null, progressFraction: null };

function attemptOf(lease: Lease) {
  return and(eq(jobAttempts.jobId, lease.jobId), eq(jobAttempts.attempt, lease.attempt));
}

function isCharged(outcome: AttemptOutcome): boolean {
  return outcome !== "handed_back" && outcome !== "database_lost";
}

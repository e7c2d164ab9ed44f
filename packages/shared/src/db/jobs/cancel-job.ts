import { and, eq, sql } from "drizzle-orm";
import type { Database } from "../database.ts";
import { jobs } from "../schema.ts";
import { CANCELED, recordFinalEvent, retentionEnd } from "./finish-job.ts";
import type { Job } from "./job.ts";
import { jobColumns } from "./job.ts";

/** Queued jobs are canceled at once; a running one is told so by its next beat. @returns null when it is neither. */
export async function cancelJob(db: Database, accountId: string, id: string): Promise<Job | null> {
  const own = and(eq(jobs.id, id), eq(jobs.accountId, accountId));
  return db.transaction(async (tx) => {
    // Locked first: a job handed back between the two updates would escape both.
    await tx.select({ id: jobs.id }).from(jobs).where(own).for("update");
    const [canceled] = await tx
      .update(jobs)
      .set({ status: "canceled", finishedAt: sql`now()`, expiresAt: retentionEnd(), ...CANCELED })
      .where(and(own, eq(jobs.status, "queued")))
      .returning(jobColumns());
    if (canceled) {
      await recordFinalEvent(tx, canceled, []);
      return canceled;
    }
    const [canceling] = await tx
      .update(jobs)
      .set({ status: "canceling" })
      .where(and(own, eq(jobs.status, "running")))
      .returning(jobColumns());
    return canceling ?? null;
  });
}

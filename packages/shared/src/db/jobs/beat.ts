import { and, eq, inArray } from "drizzle-orm";
import { fromNow } from "../clock.ts";
import type { Database } from "../database.ts";
import { isWanted, recordJobEvent } from "../events.ts";
import { jobs } from "../schema.ts";
import type { Lease } from "./job.ts";
import { heldBy, jobColumns } from "./job.ts";

export interface Progress {
  stage: string;
  /** 0 to 1. */
  fraction: number;
}

/** Extends the lease and carries progress. `lost`: another worker has the job, or it is over; stop at once. */
export async function beat(
  db: Database,
  lease: Lease,
  options: { leaseSeconds: number; progress: Progress },
): Promise<"running" | "canceling" | "lost"> {
  const [row] = await db
    .update(jobs)
    .set({
      leaseUntil: fromNow(options.leaseSeconds),
      progressStage: options.progress.stage,
      progressFraction: options.progress.fraction,
    })
    .where(
      and(
        eq(jobs.id, lease.jobId),
        eq(jobs.leaseToken, lease.token),
        inArray(jobs.status, ["running", "canceling"]),
      ),
    )
    .returning({ status: jobs.status, isProgressWanted: isWanted("job.progress") });
  if (row === undefined) return "lost";
  if (row.isProgressWanted) await announceProgress(db, lease, options.progress);
  return row.status === "canceling" ? "canceling" : "running";
}

async function announceProgress(db: Database, lease: Lease, progress: Progress): Promise<void> {
  await db.transaction(async (tx) => {
    const running = heldBy(lease, "running");
    const [job] = await tx.select(jobColumns()).from(jobs).where(running).for("update");
    if (job === undefined) return;
    await recordJobEvent(tx, job, "job.progress", {
      status: job.status,
      attempt: job.attempt,
      tasks: job.tasks.map((task) => ({ task, status: job.status })),
      error: null,
      progress,
      metadata: job.metadata,
      at: new Date(),
    });
  });
}

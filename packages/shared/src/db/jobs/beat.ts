import { and, eq, inArray } from "drizzle-orm";
import { fromNow } from "../clock.ts";
import type { Database } from "../database.ts";
import { jobs } from "../schema.ts";
import type { Lease } from "./job.ts";

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
    .returning({ status: jobs.status });
  if (row === undefined) return "lost";
  return row.status === "canceling" ? "canceling" : "running";
}

import type { Database } from "../database.ts";
import { jobs } from "../schema.ts";
import type { Lease } from "./job.ts";
import { heldBy } from "./job.ts";

/** Keeps which versions of its models a job runs, by model id. @returns false when the lease is lost. */
export async function writeModelVersions(
  db: Database,
  lease: Lease,
  versions: Record<string, string>,
): Promise<boolean> {
  const written = await db
    .update(jobs)
    .set({ modelVersions: versions })
    .where(heldBy(lease, "running"))
    .returning({ id: jobs.id });
  return written.length > 0;
}

import type { Database } from "@earshot/shared/db/database";
import { findJob } from "@earshot/shared/db/jobs/read-job";
import type { Job } from "@earshot/shared/db/jobs/job";
import { isFinal } from "@earshot/shared/domain/job-status";
import type { Deps } from "../../deps.ts";
import type { AppContext } from "../../env.ts";

/** The job once it is final, or as it is after `seconds`; sooner when the caller goes away. Null: not the account's. */
export async function waitForEnd(
  c: AppContext,
  { db, watchJobs }: Pick<Deps, "db" | "watchJobs">,
  { jobId, seconds }: { jobId: string; seconds: number },
): Promise<Job | null> {
  const { accountId } = c.var.principal;
  const now = await findJob(db, accountId, jobId);
  if (seconds === 0 || now === null || isOver(now)) return now;
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(seconds * 1000)]);
  const ended = await watchJobs.waitFor({ jobId, accountId }, () => findEnded(db, accountId, jobId), {
    signal,
  });
  return ended ?? findJob(db, accountId, jobId);
}

async function findEnded(db: Database, accountId: string, jobId: string): Promise<Job | null> {
  const job = await findJob(db, accountId, jobId);
  return job && isOver(job) ? job : null;
}

function isOver(job: Job): boolean {
  return isFinal(job.status) || job.deletedAt !== null;
}

import { findJobStory } from "@earshot/shared/db/job-stories";
import type { JobStory } from "@earshot/shared/db/job-stories";
import { isFinal } from "@earshot/shared/domain/job-status";
import type { Deps } from "../../deps.ts";
import type { AppContext } from "../../env.ts";

/** The job once it is final, or as it is after `seconds`; sooner when the caller goes away. Null: not the account's. */
export async function waitForEnd(
  c: AppContext,
  { db, watchJobs }: Pick<Deps, "db" | "watchJobs">,
  { jobId, seconds }: { jobId: string; seconds: number },
): Promise<JobStory | null> {
  const { accountId } = c.var.principal;
  if (seconds === 0) return findJobStory(db, accountId, jobId);
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(seconds * 1000)]);
  let last: JobStory | null = null;
  for await (const story of watchJobs.follow({ jobId, accountId }, { signal })) {
    last = story;
    if (story === null || isOver(story)) break;
  }
  return last;
}

function isOver({ job }: JobStory): boolean {
  return isFinal(job.status) || job.deletedAt !== null;
}

import { and, eq, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { Job } from "./jobs/job.ts";
import { jobColumns } from "./jobs/job.ts";
import type { TaskOutcome } from "./jobs/read-job.ts";
import type { AttemptOutcome } from "./schema.ts";
import { jobAttempts, jobs, taskResults } from "./schema.ts";

/** A job with all that was committed of its way so far: enough to show it, and to tell what happened. */
export interface JobStory {
  job: Job;
  /** Another text after every change of the job's row. */
  version: string;
  /** In their order. */
  attempts: readonly AttemptStory[];
  outcomes: readonly TaskOutcome[];
}

export interface AttemptStory {
  attempt: number;
  claimedAt: Date;
  endedAt: Date | null;
  outcome: AttemptOutcome | null;
}

/** Times are text in what Postgres makes JSON of. */
type AttemptRow = Omit<AttemptStory, "claimedAt" | "endedAt"> & { claimedAt: string; endedAt: string | null };

const attempts = () => sql<AttemptRow[]>`(
  select coalesce(json_agg(json_build_object('attempt', ${jobAttempts.attempt}, 'claimedAt', ${jobAttempts.claimedAt},
    'endedAt', ${jobAttempts.endedAt}, 'outcome', ${jobAttempts.outcome}) order by ${jobAttempts.attempt}), '[]')
  from ${jobAttempts} where ${jobAttempts.jobId} = ${jobs.id})`;

const outcomes = () => sql<TaskOutcome[]>`(
  select coalesce(json_agg(json_build_object('task', ${taskResults.task}, 'status', ${taskResults.status},
    'model', ${taskResults.model}, 'version', ${taskResults.version}, 'errorCode', ${taskResults.errorCode})
    order by ${taskResults.position}), '[]')
  from ${taskResults} where ${taskResults.jobId} = ${jobs.id})`;

/** One statement, whatever the job went through. Deleted jobs are found too. */
export async function findJobStory(db: Database, accountId: string, jobId: string): Promise<JobStory | null> {
  const [found] = await db
    .select({
      job: jobColumns(),
      version: sql<string>`${jobs}.xmin::text`,
      attempts: attempts(),
      outcomes: outcomes(),
    })
    .from(jobs)
    .where(and(eq(jobs.id, jobId), eq(jobs.accountId, accountId)));
  if (found === undefined) return null;
  return { ...found, attempts: found.attempts.map(withTimes) };
}

function withTimes(row: AttemptRow): AttemptStory {
  const { claimedAt, endedAt } = row;
  return { ...row, claimedAt: new Date(claimedAt), endedAt: endedAt === null ? null : new Date(endedAt) };
}

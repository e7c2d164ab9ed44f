import { and, asc, desc, eq, gt, inArray, isNull, lt, sql } from "drizzle-orm";
import type { JobStatus } from "../../domain/job-status.ts";
import type { Database } from "../database.ts";
import { jobs, taskResults } from "../schema.ts";
import type { Job } from "./job.ts";
import { jobColumns } from "./job.ts";
import { outcomeColumns } from "./read-job.ts";
import type { TaskOutcome } from "./read-job.ts";

/** Which jobs of an account are asked for. Null: any. */
export interface JobFilter {
  status: JobStatus | null;
  task: string | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
  /** Fields that a job must have with these values; it may have others. */
  metadata: Readonly<Record<string, string>>;
}

/** Where a job stands in the list. No two have the same place, and it never changes. */
export interface JobPlace {
  createdAt: Date;
  id: string;
}

export interface PageRequest {
  /** The last job of the page before. */
  after: JobPlace | null;
  limit: number;
}

export interface JobPage {
  jobs: Job[];
  hasMore: boolean;
}

/** A page of the account's jobs, the newest first, without deleted ones. */
export async function listJobs(
  db: Database,
  accountId: string,
  filter: JobFilter,
  { after, limit }: PageRequest,
): Promise<JobPage> {
  const found = await selectJobs(db, accountId, filter, { after, limit: limit + 1 });
  return { jobs: found.slice(0, limit), hasMore: found.length > limit };
}

/** The statement behind `listJobs`. Exported for the test that reads its plans. */
export function selectJobs(
  db: Database,
  accountId: string,
  filter: JobFilter,
  { after, limit }: PageRequest,
) {
  const { status, task, createdAfter, createdBefore, metadata } = filter;
  const conditions = [
    eq(jobs.accountId, accountId),
    isNull(jobs.deletedAt),
    after &&
      sql`(${jobs.createdAt}, ${jobs.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id})`,
    status && eq(jobs.status, status),
    task === null ? null : sql`${task} = any(${jobs.tasks})`,
    createdAfter && gt(jobs.createdAt, createdAfter),
    createdBefore && lt(jobs.createdAt, createdBefore),
    Object.keys(metadata).length > 0 && sql`${jobs.metadata} @> ${JSON.stringify(metadata)}::jsonb`,
  ];
  return db
    .select(jobColumns())
    .from(jobs)
    .where(and(...conditions.filter((condition) => typeof condition === "object" && condition !== null)))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit);
}

/** The outcomes of each job's tasks, by its id. */
export async function listOutcomesOf(
  db: Database,
  jobIds: readonly string[],
): Promise<Map<string, TaskOutcome[]>> {
  if (jobIds.length === 0) return new Map();
  const rows = await db
    .select({ jobId: taskResults.jobId, ...outcomeColumns() })
    .from(taskResults)
    .where(inArray(taskResults.jobId, [...jobIds]))
    .orderBy(asc(taskResults.position));
  return Map.groupBy(rows, ({ jobId }) => jobId);
}

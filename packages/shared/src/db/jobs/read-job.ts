import { and, asc, eq } from "drizzle-orm";
import type { TaskName } from "../../domain/tasks.ts";
import type { Database } from "../database.ts";
import { jobs, taskResults } from "../schema.ts";
import type { Job } from "./job.ts";
import { jobColumns } from "./job.ts";

export type StoredResult = typeof taskResults.$inferSelect;

/** Deleted jobs are found too: they leave a tombstone. */
export async function findJob(db: Database, accountId: string, id: string): Promise<Job | null> {
  const [job] = await db
    .select(jobColumns())
    .from(jobs)
    .where(and(eq(jobs.id, id), eq(jobs.accountId, accountId)));
  return job ?? null;
}

/** What is known of each finished task, without its body. */
export type TaskOutcome = Pick<StoredResult, "task" | "status" | "model" | "version" | "errorCode">;

export const outcomeColumns = () => ({
  task: taskResults.task,
  status: taskResults.status,
  model: taskResults.model,
  version: taskResults.version,
  errorCode: taskResults.errorCode,
});

export async function listTaskResults(db: Database, jobId: string): Promise<StoredResult[]> {
  return db.select().from(taskResults).where(eq(taskResults.jobId, jobId)).orderBy(asc(taskResults.position));
}

export async function findTaskResult(
  db: Database,
  jobId: string,
  task: TaskName,
): Promise<StoredResult | null> {
  const [result] = await db
    .select()
    .from(taskResults)
    .where(and(eq(taskResults.jobId, jobId), eq(taskResults.task, task)));
  return result ?? null;
}

import { and, eq, isNull } from "drizzle-orm";
import { isFinal } from "../../domain/job-status.ts";
import type { JobStatus } from "../../domain/job-status.ts";
import type { Database } from "../database.ts";
import { jobs, uploads } from "../schema.ts";
import { findSubmission, submitJob } from "./submit-job.ts";
import type { IdempotencyClaim, NewJob, SavedAnswer, Submission } from "./submit-job.ts";
import type { Job } from "./job.ts";

/** A job as it was ordered, with the webhook's secret as it was sealed for it. */
export type OrderedJob = typeof jobs.$inferSelect;

export type Retry =
  | Submission
  | { outcome: "not_found" }
  | { outcome: "deleted" }
  | { outcome: "live"; status: JobStatus }
  | { outcome: "input_gone" };

export interface RetryRequest {
  accountId: string;
  jobId: string;
  idempotency: IdempotencyClaim | null;
  /** The new job, ordered like the old one. */
  newJob: (old: OrderedJob) => Promise<NewJob>;
  answerFor: (job: Job) => SavedAnswer;
}

/** Submits an ended job once more, in one transaction with the check that its input is still there. */
export async function retryJob(db: Database, request: RetryRequest): Promise<Retry> {
  const { accountId, jobId, idempotency } = request;
  return db.transaction(async (tx) => {
    // A repeat is answered as the first time, even when the old job was deleted since.
    const earlier = idempotency && (await findSubmission(tx, accountId, idempotency));
    if (earlier) return earlier;
    const [old] = await tx
      .select()
      .from(jobs)
      .where(and(eq(jobs.id, jobId), eq(jobs.accountId, accountId)));
    if (old === undefined) return { outcome: "not_found" };
    if (old.deletedAt !== null) return { outcome: "deleted" };
    if (!isFinal(old.status)) return { outcome: "live", status: old.status };
    if (!(await holdInput(tx, old))) return { outcome: "input_gone" };
    return submitJob(tx, { job: await request.newJob(old), idempotency, answerFor: request.answerFor });
  });
}

/** Whether the input is still there; if so, nobody deletes it before the new job refers to it. */
async function holdInput(tx: Database, { uploadId }: OrderedJob): Promise<boolean> {
  if (uploadId === null) return true;
  const held = await tx
    .select({ id: uploads.id })
    .from(uploads)
    .where(and(eq(uploads.id, uploadId), isNull(uploads.deletedAt)))
    .for("share");
  return held.length > 0;
}

import { and, eq, sql } from "drizzle-orm";
import type { TaskName } from "../../domain/tasks.ts";
import { fromNow } from "../clock.ts";
import { refuseForbiddenModels } from "../../domain/allowed-models.ts";
import type { AllowedModels } from "../../domain/allowed-models.ts";
import { findAllowedModels } from "../allowed-models.ts";
import type { Database } from "../database.ts";
import { idempotencyKeys, jobs } from "../schema.ts";
import type { Job } from "./job.ts";
import { jobColumns } from "./job.ts";

export interface NewJob {
  id: string;
  accountId: string;
  priority: number;
  uploadId: string | null;
  inputUrl: string | null;
  tasks: TaskName[];
  options: Record<string, unknown>;
  metadata: Record<string, string>;
  webhookUrl: string | null;
  webhookEvents: string[] | null;
  webhookSecretSealed: string | null;
  timeoutSeconds: number;
  retentionSeconds: number;
  queueDeadlineSeconds: number;
  retriedFrom: string | null;
  requestId: string;
  traceparent: string | null;
}

/** A client's promise that a repeated request is the same request. */
export interface IdempotencyClaim {
  route: string;
  key: string;
  bodySha256: string;
}

/** The answer to a request, as it was or will be sent. */
export interface SavedAnswer {
  status: number;
  location: string | null;
  body: string;
}

export type Submission =
  | { outcome: "created"; job: Job; answer: SavedAnswer }
  | { outcome: "replayed"; answer: SavedAnswer }
  | { outcome: "in_flight" }
  | { outcome: "key_reused" };

interface SubmitRequest {
  job: NewJob;
  /** Of the account, where they were read with its credential a moment ago: that spares a trip to the database. */
  allowedModels?: AllowedModels | undefined;
  idempotency: IdempotencyClaim | null;
  answerFor: (job: Job) => SavedAnswer;
}

/** How long a new job waits for its bell before any idle worker may take it from the table. */
const BELL_SECONDS = 30;

/**
 * Inserts the job and the answer to its request in one transaction: what was accepted is durable, and a repeat of the
 * request gets the same bytes. `answerFor` must be pure.
 * @throws AppError `forbidden` for a task whose model the account may not use.
 */
export async function submitJob(db: Database, input: SubmitRequest): Promise<Submission> {
  const { idempotency } = input;
  // One statement is a transaction by itself: to begin and to commit one would be more trips to the database.
  if (idempotency === null) return created(await insertJob(db, input), input.answerFor);
  return db.transaction(async (tx) => {
    const earlier = await findSubmission(tx, input.job.accountId, idempotency);
    if (earlier) return earlier;
    const submission = created(await insertJob(tx, input), input.answerFor);
    await remember(tx, input.job.accountId, idempotency, submission.answer);
    return submission;
  });
}

function created(job: Job, answerFor: (job: Job) => SavedAnswer) {
  return { outcome: "created" as const, job, answer: answerFor(job) };
}

async function insertJob(tx: Database, { job, allowedModels }: SubmitRequest): Promise<Job> {
  const { queueDeadlineSeconds, ...rest } = job;
  const allowed = allowedModels === undefined ? await findAllowedModels(tx, job.accountId) : allowedModels;
  // Before the insert, which may be a transaction of its own: what is refused is not kept.
  refuseForbiddenModels(job.tasks, allowed);
  const [inserted] = await tx
    .insert(jobs)
    .values({ ...rest, queueDeadlineAt: fromNow(queueDeadlineSeconds), claimableAt: fromNow(BELL_SECONDS) })
    .returning(jobColumns());
  if (inserted === undefined) throw new Error("an insert gave no row");
  return inserted;
}

/**
 * What became of an earlier request under the same key. Null: there was none, and until the end of the transaction `tx`
 * there will be no other.
 */
export async function findSubmission(
  tx: Database,
  accountId: string,
  claim: IdempotencyClaim,
): Promise<Exclude<Submission, { outcome: "created" }> | null> {
  // Held to the end of the transaction: of two requests under one key, one works and the other is told so.
  const lock = `${accountId} ${claim.route} ${claim.key}`;
  const [locked] = await tx.execute<{ ok: boolean }>(
    sql`select pg_try_advisory_xact_lock(hashtextextended(${lock}, 0)) as ok`,
  );
  if (!locked?.ok) return { outcome: "in_flight" };
  const [saved] = await tx
    .select()
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.accountId, accountId),
        eq(idempotencyKeys.route, claim.route),
        eq(idempotencyKeys.key, claim.key),
      ),
    );
  if (!saved) return null;
  if (saved.bodySha256 !== claim.bodySha256) return { outcome: "key_reused" };
  return {
    outcome: "replayed",
    answer: { status: saved.status, location: saved.location, body: saved.response },
  };
}

async function remember(
  tx: Database,
  accountId: string,
  claim: IdempotencyClaim,
  answer: SavedAnswer,
): Promise<void> {
  const { status, location, body } = answer;
  await tx.insert(idempotencyKeys).values({ ...claim, accountId, status, location, response: body });
}

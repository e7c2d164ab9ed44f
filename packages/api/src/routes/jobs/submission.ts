import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import type { Bytes } from "@earshot/shared/crypto/bytes";
import type { Job } from "@earshot/shared/db/jobs/job";
import type { IdempotencyClaim, SavedAnswer, Submission } from "@earshot/shared/db/jobs/submit-job";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import { lastDeliveryOf } from "@earshot/shared/db/webhooks/list-deliveries";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { AppContext } from "../../env.ts";
import { jsonText } from "../answers.ts";
import { jobBody } from "./job-body.ts";
import type { JobBody } from "./job-body.ts";
import { requireJob } from "./require-job.ts";
import { ringBell } from "./ring-bell.ts";
import { waitForEnd } from "./wait-for-end.ts";

/** Headers of every request that makes a job. */
export const SubmitHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "A key is 1 to 255 visible ASCII characters")
    .optional()
    .describe(doc("A repeat of the request under the same key gets the same answer.")),
  Prefer: z.string().optional().describe(doc("`wait=30` lets the answer wait until the job has ended.")),
});

export type SubmitHeaders = z.output<typeof SubmitHeaders>;

/** The claim of a request to `path` with `body`; null when it came without a key. */
export async function idempotencyOf(
  headers: SubmitHeaders,
  path: string,
  body: Bytes,
): Promise<IdempotencyClaim | null> {
  const key = headers["Idempotency-Key"];
  if (key === undefined) return null;
  return { route: `POST ${path}`, key, bodySha256: await sha256Hex(body) };
}

export function answerFor(job: Job): SavedAnswer {
  return { status: 202, location: `/v1/jobs/${job.id}`, body: JSON.stringify(jobBody(job, [])) };
}

/** Rings for a new job and answers 202; answers a repeat as the first time. */
export async function answerSubmission(
  c: AppContext,
  deps: Pick<Deps, "db" | "bell" | "log" | "watchJobs">,
  submission: Submission,
  headers: SubmitHeaders,
) {
  if (submission.outcome !== "created") return replay(c, submission);
  const { job, answer } = submission;
  note(c, { job_id: job.id });
  ringBell(c, deps, job.id);
  const waitSeconds = preferredWait(headers.Prefer);
  if (waitSeconds === 0) return accepted(c, answer, {});
  const body = await endedBody(c, deps, job.id, waitSeconds);
  return accepted(c, { ...answer, body }, { "Preference-Applied": "wait" });
}

export function replay(c: AppContext, submission: Exclude<Submission, { outcome: "created" }>) {
  if (submission.outcome === "in_flight") {
    throw new AppError("idempotency_in_flight", { detail: { retryAfterSeconds: 1 } });
  }
  if (submission.outcome === "key_reused") throw new AppError("idempotency_key_reused");
  return accepted(c, submission.answer, { "Idempotent-Replayed": "true" });
}

function accepted(c: AppContext, answer: SavedAnswer, headers: Record<string, string>) {
  const location = answer.location === null ? {} : { Location: answer.location };
  return jsonText<JobBody, 202>(c, answer.body, 202, { ...location, ...headers });
}

/** RFC 7240: a preference that isn't understood is no error. */
function preferredWait(prefer = ""): number {
  const seconds = Number(/(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer)?.[1] ?? 0);
  return Math.min(seconds, LIMITS.waitSeconds);
}

async function endedBody(
  c: AppContext,
  deps: Pick<Deps, "db" | "watchJobs">,
  jobId: string,
  seconds: number,
): Promise<string> {
  const story = await waitForEnd(c, deps, { jobId, seconds });
  const job = requireJob(story?.job);
  return JSON.stringify(jobBody(job, story?.outcomes ?? [], await lastDeliveryOf(deps.db, job)));
}

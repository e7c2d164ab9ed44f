import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newId } from "@earshot/shared/crypto/ids";
import { seal } from "@earshot/shared/crypto/seal";
import { submitJob } from "@earshot/shared/db/jobs/submit-job";
import type { IdempotencyClaim, NewJob, SavedAnswer, Submission } from "@earshot/shared/db/jobs/submit-job";
import type { Job } from "@earshot/shared/db/jobs/job";
import { listTaskOutcomes } from "@earshot/shared/db/jobs/read-job";
import { findUpload } from "@earshot/shared/db/uploads";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App, AppContext } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { RefusedRequest } from "../../problem.ts";
import { jsonText, problems } from "../answers.ts";
import { closeUpload } from "../uploads/close-upload.ts";
import { JobBody, jobBody } from "./job-body.ts";
import { JobRequest, plainHttpPointers, PRIORITIES } from "./job-request.ts";
import { requireJob } from "./require-job.ts";
import { ringBell } from "./ring-bell.ts";
import { waitForEnd } from "./wait-for-end.ts";

const PATH = "/v1/jobs";

const SubmitHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "A key is 1 to 255 visible ASCII characters")
    .optional()
    .describe("A repeat of the request under the same key gets the same answer."),
  Prefer: z.string().optional().describe("`wait=30` lets the answer wait until the job has ended."),
});

const route = createRoute({
  method: "post",
  path: PATH,
  summary: "Submit a job",
  middleware: authorize("jobs:write"),
  request: {
    headers: SubmitHeaders,
    body: { required: true, content: { "application/json": { schema: JobRequest } } },
  },
  responses: {
    202: { description: "The job is durable.", content: { "application/json": { schema: JobBody } } },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "conflict",
      "idempotency_in_flight",
      "idempotency_key_reused",
      "body_too_large",
      "unsupported_content_type",
    ),
  },
});

type SubmitDeps = Pick<Deps, "db" | "blobs" | "bell" | "log" | "sealKeys" | "watchJobs" | "allowLoopback">;

export function createJob(app: App, deps: SubmitDeps): void {
  app.openapi(route, async (c) => {
    const request = c.req.valid("json");
    refusePlainHttp(request, deps);
    await closeOpenUpload(deps, c.var.principal.accountId, request);
    const job = await newJob(c, deps, request);
    const idempotency = await idempotencyOf(c, c.req.valid("header")["Idempotency-Key"]);
    const submission = await submitJob(deps.db, { job, idempotency, answerFor });
    if (submission.outcome !== "created") return replay(c, submission);
    note(c, { job_id: job.id });
    await ringBell(c, deps, job.id);
    const waitSeconds = preferredWait(c.req.valid("header").Prefer);
    const body = waitSeconds > 0 ? await endedBody(c, deps, job.id, waitSeconds) : submission.answer.body;
    return accepted(
      c,
      { ...submission.answer, body },
      waitSeconds > 0 ? { "Preference-Applied": "wait" } : {},
    );
  });
}

function refusePlainHttp(request: JobRequest, options: Pick<Deps, "allowLoopback">): void {
  const errors = plainHttpPointers(request, options).map((pointer) => ({
    pointer,
    code: "custom",
    detail: "The URL must be https.",
  }));
  if (errors.length > 0) throw new RefusedRequest("validation_failed", errors);
}

/** Another account's upload is as unknown as one that never was. */
async function closeOpenUpload(deps: SubmitDeps, accountId: string, { input }: JobRequest): Promise<void> {
  if (input.upload_id === undefined) return;
  const pointer = "/input/upload_id";
  const upload = await findUpload(deps.db, accountId, input.upload_id);
  if (upload === null) {
    throw new RefusedRequest("not_found", [
      { pointer, code: "not_found", detail: "There is no such upload." },
    ]);
  }
  await closeUpload(deps, upload, pointer);
}

async function newJob(c: AppContext, { sealKeys }: SubmitDeps, request: JobRequest): Promise<NewJob> {
  const id = newId("job");
  const { input, webhook } = request;
  return {
    id,
    accountId: c.var.principal.accountId,
    priority: PRIORITIES[request.priority],
    uploadId: input.upload_id ?? null,
    inputUrl: input.url ?? null,
    tasks: request.tasks,
    options: request.options,
    metadata: request.metadata,
    webhookUrl: webhook?.url ?? null,
    webhookEvents: webhook?.events ?? null,
    webhookSecretSealed: webhook?.secret === undefined ? null : await seal(sealKeys, webhook.secret, id),
    timeoutSeconds: request.timeout_seconds,
    retentionSeconds: request.retention,
    queueDeadlineSeconds: request.queue_deadline_seconds,
    retriedFrom: null,
    requestId: c.var.requestId,
    traceparent: c.var.traceparent,
  };
}

async function idempotencyOf(c: AppContext, key: string | undefined): Promise<IdempotencyClaim | null> {
  if (key === undefined) return null;
  return { route: `POST ${PATH}`, key, bodySha256: await sha256Hex(c.var.rawBody) };
}

function answerFor(job: Job): SavedAnswer {
  return { status: 202, location: `${PATH}/${job.id}`, body: JSON.stringify(jobBody(job, [])) };
}

function replay(c: AppContext, submission: Exclude<Submission, { outcome: "created" }>) {
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

async function endedBody(c: AppContext, deps: SubmitDeps, jobId: string, seconds: number): Promise<string> {
  const job = requireJob(await waitForEnd(c, deps, { jobId, seconds }));
  return JSON.stringify(jobBody(job, await listTaskOutcomes(deps.db, jobId)));
}

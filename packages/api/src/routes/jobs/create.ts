import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { submitJob } from "@earshot/shared/db/jobs/submit-job";
import { findUpload } from "@earshot/shared/db/uploads";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { RefusedRequest } from "../../problem.ts";
import { problems } from "../answers.ts";
import { closeUpload } from "../uploads/close-upload.ts";
import { JobBody } from "./job-body.ts";
import { FORM_CONTENT } from "./job-form.ts";
import { JobRequest } from "./job-request.ts";
import { orderedJob, refuseForbiddenUrls } from "./ordered-job.ts";
import { answerFor, answerSubmission, idempotencyOf, SubmitHeaders } from "./submission.ts";

const PATH = "/v1/jobs";

/** Typed as the JSON alone: the form is create-from-form.ts's, which comes first and leaves the rest to this route. */
const CONTENT: { "application/json": { schema: typeof JobRequest } } = {
  "application/json": { schema: JobRequest },
  ...FORM_CONTENT,
};

const route = createRoute({
  method: "post",
  path: PATH,
  summary: doc("Submit a job; with a form of up to 25 MiB, together with its file"),
  middleware: authorize("jobs:write"),
  request: { headers: SubmitHeaders, body: { required: true, content: CONTENT } },
  responses: doc(() => ({
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
      "unsupported_media",
    ),
  })),
});

type SubmitDeps = Pick<Deps, "db" | "blobs" | "bell" | "log" | "sealKeys" | "watchJobs" | "allowLoopback">;

export function createJob(app: App, deps: SubmitDeps): void {
  app.openapi(route, async (c) => {
    const request = c.req.valid("json");
    const headers = c.req.valid("header");
    refuseForbiddenUrls(request, deps);
    await closeOpenUpload(deps, c.var.principal.accountId, request);
    const job = await orderedJob(c, deps.sealKeys, request);
    const idempotency = await idempotencyOf(headers, PATH, c.var.rawBody);
    const submission = await submitJob(deps.db, {
      job,
      allowedModels: c.var.principal.allowedModels,
      idempotency,
      answerFor,
    });
    return answerSubmission(c, deps, submission, headers);
  });
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

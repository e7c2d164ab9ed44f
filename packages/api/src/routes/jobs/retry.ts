import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { newId } from "@earshot/shared/crypto/ids";
import { seal, unseal } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import { retryJob as retry } from "@earshot/shared/db/jobs/retry-job";
import type { OrderedJob, Retry } from "@earshot/shared/db/jobs/retry-job";
import type { NewJob, Submission } from "@earshot/shared/db/jobs/submit-job";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App, AppContext } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { JobBody } from "./job-body.ts";
import { answerFor, answerSubmission, idempotencyOf, SubmitHeaders } from "./submission.ts";

const route = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/retry",
  summary: doc("Submit an ended job once more, as a new job"),
  middleware: authorize("jobs:write"),
  request: { params: IdParams, headers: SubmitHeaders },
  responses: doc(() => ({
    202: {
      description: "The new job, with `retried_from`.",
      content: { "application/json": { schema: JobBody } },
    },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "conflict",
      "gone",
      "idempotency_in_flight",
      "idempotency_key_reused",
    ),
  })),
});

export function retryJob(app: App, deps: Pick<Deps, "db" | "bell" | "log" | "sealKeys" | "watchJobs">): void {
  app.openapi(route, async (c) => {
    const jobId = requireId("job", c.req.valid("param").id);
    const headers = c.req.valid("header");
    const outcome = await retry(deps.db, {
      accountId: c.var.principal.accountId,
      jobId,
      idempotency: await idempotencyOf(headers, `/v1/jobs/${jobId}/retry`, c.var.rawBody),
      newJob: (old) => orderedAgain(c, deps.sealKeys, old),
      answerFor,
    });
    return answerSubmission(c, deps, requireSubmission(outcome), headers);
  });
}

function requireSubmission(outcome: Retry): Submission {
  switch (outcome.outcome) {
    case "not_found":
      throw new AppError("not_found");
    case "deleted":
      throw new AppError("gone");
    case "live":
      throw new AppError("conflict", { message: `The job is ${outcome.status} and has not ended yet.` });
    case "input_gone":
      throw new AppError("conflict", {
        message: "The job's upload is not kept any more: upload the file again.",
      });
    default:
      return outcome;
  }
}

async function orderedAgain(c: AppContext, sealKeys: SealKeys, old: OrderedJob): Promise<NewJob> {
  const id = newId("job");
  return {
    id,
    accountId: old.accountId,
    priority: old.priority,
    uploadId: old.uploadId,
    inputUrl: old.inputUrl,
    tasks: old.tasks,
    options: old.options,
    metadata: old.metadata,
    webhookUrl: old.webhookUrl,
    webhookEvents: old.webhookEvents,
    webhookSecretSealed: await sealedFor(id, sealKeys, old),
    timeoutSeconds: old.timeoutSeconds,
    retentionSeconds: old.retentionSeconds,
    queueDeadlineSeconds: Math.round((old.queueDeadlineAt.getTime() - old.createdAt.getTime()) / 1000),
    retriedFrom: old.id,
    requestId: c.var.requestId,
    traceparent: c.var.traceparent,
  };
}

/** A sealed secret is bound to its job: it is opened and sealed again for the new one. */
async function sealedFor(id: string, sealKeys: SealKeys, old: OrderedJob): Promise<string | null> {
  if (old.webhookSecretSealed === null) return null;
  return seal(sealKeys, await unseal(sealKeys, old.webhookSecretSealed, old.id), id);
}

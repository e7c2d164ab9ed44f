import { newId } from "@earshot/shared/crypto/ids";
import { seal } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { NewJob } from "@earshot/shared/db/jobs/submit-job";
import type { Deps } from "../../deps.ts";
import type { AppContext } from "../../env.ts";
import { RefusedRequest } from "../../problem.ts";
import { forbiddenUrls, PRIORITIES } from "./job-request.ts";
import type { JobRequest } from "./job-request.ts";

/** The job that a request orders. */
export async function orderedJob(c: AppContext, sealKeys: SealKeys, request: JobRequest): Promise<NewJob> {
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

/** @throws RefusedRequest that names every URL which the guard on outgoing requests refuses. */
export function refuseForbiddenUrls(
  request: JobRequest,
  options: Pick<Deps, "allowLoopback"> & { root?: string },
): void {
  const errors = forbiddenUrls(request, options).map(({ pointer, detail }) => ({
    pointer: `${options.root ?? ""}${pointer}`,
    code: "custom",
    detail,
  }));
  if (errors.length > 0) throw new RefusedRequest("validation_failed", errors);
}

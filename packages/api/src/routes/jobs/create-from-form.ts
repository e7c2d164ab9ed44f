import { utf8 } from "@earshot/shared/crypto/bytes";
import { newId } from "@earshot/shared/crypto/ids";
import { findSubmission, submitJob } from "@earshot/shared/db/jobs/submit-job";
import { AppError } from "@earshot/shared/domain/errors";
import type { Deps } from "../../deps.ts";
import type { App, AppContext } from "../../env.ts";
import { fieldErrors } from "../../field-errors.ts";
import { authorize } from "../../middleware/authorize.ts";
import { RefusedRequest } from "../../problem.ts";
import { checkFile, storeFile } from "./form-file.ts";
import { mediaTypeOf, readJobForm } from "./job-form.ts";
import type { JobForm } from "./job-form.ts";
import { JobFormRequest } from "./job-request.ts";
import { orderedJob, refuseForbiddenUrls } from "./ordered-job.ts";
import { answerFor, answerSubmission, idempotencyOf, replay, SubmitHeaders } from "./submission.ts";

const PATH = "/v1/jobs";

type FormDeps = Pick<Deps, "db" | "blobs" | "bell" | "log" | "sealKeys" | "watchJobs" | "allowLoopback">;

/** POST /v1/jobs with a form: the file and the job in one request. Its contract stands beside the JSON's, in create.ts. */
export function createJobFromForm(app: App, deps: FormDeps): void {
  app.openAPIRegistry.register("JobFormRequest", JobFormRequest);
  app.post(PATH, authorize("jobs:write"), async function createJobFromForm(c, next) {
    const mediaType = mediaTypeOf(c);
    if (mediaType === "application/x-www-form-urlencoded") throw new AppError("unsupported_content_type");
    if (mediaType !== "multipart/form-data") return next();
    const headers = parseHeaders(c);
    const form = await readJobForm(c);
    const sha256 = await checkFile(form.file);
    const idempotency = await idempotencyOf(headers, PATH, contentOf(form, sha256));
    const { accountId } = c.var.principal;
    // A repeat does not store the file once more.
    const earlier =
      idempotency && (await deps.db.transaction((tx) => findSubmission(tx, accountId, idempotency)));
    if (earlier) return replay(c, earlier);
    const request = { ...form.job, input: { upload_id: newId("upload") } };
    refuseForbiddenUrls(request, { ...deps, root: "/job" });
    await storeFile(c, deps, request.input.upload_id, form.file, sha256);
    const job = await orderedJob(c, deps.sealKeys, request);
    return answerSubmission(c, deps, await submitJob(deps.db, { job, idempotency, answerFor }), headers);
  });
}

function parseHeaders(c: AppContext): SubmitHeaders {
  const names = Object.keys(SubmitHeaders.shape);
  const { success, data, error } = SubmitHeaders.safeParse(
    Object.fromEntries(names.map((name) => [name, c.req.header(name)])),
  );
  if (!success) throw new RefusedRequest("validation_failed", fieldErrors("header", error));
  return data;
}

/** What makes two forms the same. Not their bytes: a client draws a new boundary for each repeat. */
function contentOf({ file, jobText }: JobForm, sha256: string) {
  return utf8(JSON.stringify([jobText, file.name, file.type, sha256]));
}

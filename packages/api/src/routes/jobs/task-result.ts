import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findJob, findTaskResult } from "@earshot/shared/db/jobs/read-job";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { Job } from "@earshot/shared/db/jobs/job";
import { AppError } from "@earshot/shared/domain/errors";
import type { TaskName } from "@earshot/shared/domain/tasks";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App, AppContext } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { gzippedJson, jsonText, problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { requireJob } from "./require-job.ts";
import { requireBlobs, storedBody, unzipped, zipped } from "./result-bodies.ts";
import type { ResultBody } from "./result-bodies.ts";
import { TaskResultBody, withoutResults } from "./result.ts";

type TaskResultBody = z.output<typeof TaskResultBody>;

const route = createRoute({
  method: "get",
  path: "/v1/jobs/{id}/result/{task}",
  summary: doc("What one task of an ended job found, with every point"),
  middleware: authorize("jobs:read"),
  request: { params: IdParams.extend({ task: z.string() }) },
  responses: doc(() => ({
    200: {
      description: "The result as it is stored.",
      content: { "application/json": { schema: TaskResultBody } },
    },
    ...problems("forbidden", "not_found", "conflict", "gone"),
  })),
});

export function getTaskResult(
  app: App,
  { db, blobs, resultKeys }: Pick<Deps, "db" | "blobs" | "resultKeys">,
): void {
  app.openapi(route, async (c) => {
    const params = c.req.valid("param");
    const jobId = requireId("job", params.id);
    const job = requireJob(await findJob(db, c.var.principal.accountId, jobId));
    const result = await findTaskResult(db, jobId, requireTask(job, params.task));
    if (result === null) throw withoutResults(job);
    note(c, { job_id: jobId, task: result.task });
    return answer(c, blobs, await storedBody(result, resultKeys));
  });
}

function requireTask(job: Job, name: string): TaskName {
  const task = job.tasks.find((task) => task === name);
  if (task === undefined)
    throw new AppError("not_found", { message: "The job was not asked for this task." });
  return task;
}

/** A zipped result goes out as it lies, to whoever takes it so. */
async function answer(c: AppContext, blobs: BlobStore, body: ResultBody) {
  const headers = { "Cache-Control": "private, no-cache", Vary: "Accept-Encoding" };
  if ("text" in body) return jsonText<TaskResultBody, 200>(c, body.text, 200, headers);
  await requireBlobs(blobs, [body]);
  if (!takesGzip(c)) {
    return jsonText<TaskResultBody, 200>(c, await unzipped(blobs, body), 200, headers);
  }
  return gzippedJson<TaskResultBody>(await zipped(blobs, body), headers);
}

/** RFC 9110, section 12.5.3: named, or meant by `*`, and not with a weight of 0. */
function takesGzip(c: AppContext): boolean {
  const codings = (c.req.header("Accept-Encoding") ?? "").toLowerCase().split(",");
  const weights = new Map(
    codings.map((coding) => {
      const [name = "", weight = "q=1"] = coding.split(";").map((part) => part.trim());
      return [name, Number(weight.replace(/^q=/, ""))];
    }),
  );
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

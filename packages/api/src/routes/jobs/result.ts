import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { Job } from "@earshot/shared/db/jobs/job";
import { findJob, listTaskResults } from "@earshot/shared/db/jobs/read-job";
import { AppError, titleOf } from "@earshot/shared/domain/errors";
import { isFinal } from "@earshot/shared/domain/job-status";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { jsonText, problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { JobInput } from "./job-body.ts";
import { requireJob } from "./require-job.ts";
import { requireBlobs, storedBody } from "./result-bodies.ts";
import { streamResult } from "./stream-result.ts";
import { MOST_POINTS } from "./thin-result.ts";

/** The fields of the task's own result stand beside these. */
export const TaskResultBody = doc(() =>
  z.looseObject({ task: z.string(), status: z.enum(["succeeded", "failed"]) }).meta({ id: "TaskResult" }),
);

const JobResult = doc(() =>
  z
    .object({
      job_id: z.string(),
      input: JobInput,
      warnings: z.array(z.string()).optional(),
      results: z.array(TaskResultBody),
    })
    .meta({ id: "JobResult" }),
);

type JobResult = z.output<typeof JobResult>;

const route = createRoute({
  method: "get",
  path: "/v1/jobs/{id}/result",
  summary: doc("What the tasks of an ended job found"),
  middleware: authorize("jobs:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: {
      description: `One result a task. A column over time has at most ${MOST_POINTS} points; where it has more, each n-th is kept and \`hop_seconds\` says the step.`,
      content: { "application/json": { schema: JobResult } },
    },
    ...problems("forbidden", "not_found", "conflict", "gone"),
  })),
});

export function getResult(
  app: App,
  { db, blobs, resultKeys }: Pick<Deps, "db" | "blobs" | "resultKeys">,
): void {
  app.openapi(route, async (c) => {
    const jobId = requireId("job", c.req.valid("param").id);
    const job = requireJob(await findJob(db, c.var.principal.accountId, jobId));
    const results = isFinal(job.status) ? await listTaskResults(db, jobId) : [];
    if (results.length === 0) throw withoutResults(job);
    const bodies = await Promise.all(results.map((result) => storedBody(result, resultKeys)));
    await requireBlobs(blobs, bodies);
    note(c, { job_id: jobId });
    return jsonText<JobResult, 200>(c, streamResult(blobs, headOf(job), bodies), 200);
  });
}

/** A job that ended without any result has no result to show: its error says why. */
export function withoutResults(job: Job): AppError {
  if (!isFinal(job.status)) {
    return new AppError("conflict", {
      message: `The job is ${job.status}.`,
      detail: { retryAfterSeconds: 1 },
    });
  }
  const reason =
    job.errorCode === null ? "" : ` ${job.errorCode}: ${job.errorMessage ?? titleOf(job.errorCode)}`;
  return new AppError("conflict", { message: `The job is ${job.status} and has no results.${reason}` });
}

function headOf(job: Job): Omit<JobResult, "results"> {
  const warnings = job.warnings ?? [];
  return {
    job_id: job.id,
    input: job.inputInfo as JobResult["input"],
    ...(warnings.length > 0 && { warnings }),
  };
}

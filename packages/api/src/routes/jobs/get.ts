import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { isFinal } from "@earshot/shared/domain/job-status";
import { LIMITS } from "@earshot/shared/domain/limits";
import { lastDeliveryOf } from "@earshot/shared/db/webhooks/list-deliveries";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { jsonText, problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { etagOf, matchesEtag } from "./etag.ts";
import { JobBody, jobBody } from "./job-body.ts";
import { requireJob } from "./require-job.ts";
import { waitForEnd } from "./wait-for-end.ts";

const WaitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^\d{1,2}$/, "Whole seconds")
    .transform(Number)
    .pipe(z.int().max(LIMITS.waitSeconds))
    .default(0)
    .describe(doc(() => `Seconds to wait for the end of the job, at most ${LIMITS.waitSeconds}.`)),
});

const route = createRoute({
  method: "get",
  path: "/v1/jobs/{id}",
  summary: doc("Show a job; with `wait`, once it has ended"),
  middleware: authorize("jobs:read"),
  request: { params: IdParams, query: WaitQuery },
  responses: doc(() => ({
    200: { description: "The job.", content: { "application/json": { schema: JobBody } } },
    304: { description: "The job is still as `If-None-Match` knows it." },
    ...problems("validation_failed", "forbidden", "not_found", "gone"),
  })),
});

export function getJob(app: App, deps: Pick<Deps, "db" | "watchJobs">): void {
  app.openapi(route, async (c) => {
    const jobId = requireId("job", c.req.valid("param").id);
    const story = await waitForEnd(c, deps, { jobId, seconds: c.req.valid("query").wait });
    const job = requireJob(story?.job);
    note(c, { job_id: jobId });
    const delivery = await lastDeliveryOf(deps.db, job);
    const body = JSON.stringify(jobBody(job, story?.outcomes ?? [], delivery));
    const etag = await etagOf(body);
    const headers = {
      ETag: etag,
      "Cache-Control": "private, no-cache",
      ...(!isFinal(job.status) && { "Retry-After": "1" }),
    };
    if (matchesEtag(c.req.header("If-None-Match"), etag)) return c.body(null, 304, headers);
    return jsonText<JobBody, 200>(c, body, 200, headers);
  });
}

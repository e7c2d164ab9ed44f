import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { cancelJob as cancel } from "@earshot/shared/db/jobs/cancel-job";
import { findJob } from "@earshot/shared/db/jobs/read-job";
import { AppError } from "@earshot/shared/domain/errors";
import { lastDeliveryOf } from "@earshot/shared/db/webhooks/list-deliveries";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { JobBody, jobBody } from "./job-body.ts";
import { requireJob } from "./require-job.ts";

const route = createRoute({
  method: "post",
  path: "/v1/jobs/{id}/cancel",
  summary: doc("Cancel a job: at once while it is queued, within a beat of its worker while it runs"),
  middleware: authorize("jobs:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: { description: "The job is canceled.", content: { "application/json": { schema: JobBody } } },
    202: {
      description: "The worker will be told.",
      content: { "application/json": { schema: JobBody } },
    },
    ...problems("forbidden", "not_found", "conflict", "gone"),
  })),
});

export function cancelJob(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("job", c.req.valid("param").id);
    const { accountId } = c.var.principal;
    const job = (await cancel(db, accountId, id)) ?? requireJob(await findJob(db, accountId, id));
    note(c, { job_id: id });
    if (job.status === "canceling") return c.json(jobBody(job, []), 202);
    if (job.status === "canceled") return c.json(jobBody(job, [], await lastDeliveryOf(db, job)), 200);
    throw new AppError("conflict", { message: `The job is ${job.status}.` });
  });
}

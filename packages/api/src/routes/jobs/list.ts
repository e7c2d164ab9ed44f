import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listJobs as list, listOutcomesOf } from "@earshot/shared/db/jobs/list-jobs";
import { lastDeliveriesOf } from "@earshot/shared/db/webhooks/list-deliveries";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { JobBody, jobBody } from "./job-body.ts";
import { filterOf, ListQuery } from "./list-query.ts";

const JobList = doc(() =>
  z
    .object({ data: z.array(JobBody), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "JobList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/jobs",
  summary: doc("List jobs, the newest first, without deleted ones"),
  middleware: authorize("jobs:read"),
  request: { query: ListQuery },
  responses: doc(() => ({
    200: {
      description: "A page. New jobs do not move the pages that follow.",
      content: { "application/json": { schema: JobList } },
    },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listJobs(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid("query");
    const { accountId } = c.var.principal;
    const filter = filterOf(query);
    const thisList = JSON.stringify([accountId, filter]);
    const after = query.cursor === undefined ? null : await requirePlace(query.cursor, thisList, "job");
    const { jobs, hasMore } = await list(db, accountId, filter, { after, limit: query.limit });
    const outcomes = await listOutcomesOf(
      db,
      jobs.map(({ id }) => id),
    );
    const deliveries = await lastDeliveriesOf(db, jobs);
    const last = hasMore ? jobs.at(-1) : undefined;
    const page = {
      data: jobs.map((job) => jobBody(job, outcomes.get(job.id) ?? [], deliveries.get(job.id))),
      has_more: hasMore,
      next_cursor: last === undefined ? null : await writeCursor(last, thisList),
    };
    return c.json(page, 200, { "Cache-Control": "private, no-cache" });
  });
}

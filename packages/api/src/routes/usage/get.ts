import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { countQueuedJobs, readUsage } from "@earshot/shared/db/quotas";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";

const UsageQuery = z.strictObject({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/, "A month is YYYY-MM")
    .optional()
    .describe(doc("This month without it; months are UTC's.")),
});

const UsageBody = doc(() =>
  z
    .object({
      month: z.string(),
      jobs: z.int().describe("Submitted, retries too."),
      uploads: z.int(),
      upload_bytes: z.int().describe("Announced."),
      audio_seconds: z.number().describe("Of jobs that ended in the month."),
      compute_seconds: z.number(),
      queued_jobs: z.int().describe("Now."),
    })
    .meta({ id: "Usage" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/usage",
  summary: doc("What the account used in a month"),
  middleware: authorize("account:read"),
  request: { query: UsageQuery },
  responses: doc(() => ({
    200: { description: "The sums.", content: { "application/json": { schema: UsageBody } } },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function getUsage(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.var.principal;
    const month = c.req.valid("query").month ?? clock().toISOString().slice(0, 7);
    const usage = await readUsage(db, accountId, month);
    return c.json(
      {
        month,
        jobs: usage.jobs,
        uploads: usage.uploads,
        upload_bytes: usage.uploadBytes,
        audio_seconds: inMilliseconds(usage.audioSeconds),
        compute_seconds: inMilliseconds(usage.computeSeconds),
        queued_jobs: await countQueuedJobs(db, accountId),
      },
      200,
    );
  });
}

function inMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

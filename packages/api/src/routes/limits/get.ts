import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { countQueuedJobs, readQuotas, readUsage } from "@earshot/shared/db/quotas";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";

const Quota = doc(() =>
  z.object({
    limit: z.number().nullable().describe("Null: without an end."),
    used: z.number(),
  }),
);
const Rate = doc(() => z.object({ name: z.string(), limit: z.int(), window_seconds: z.int() }));

const LimitsBody = doc(() =>
  z
    .object({
      rates: z
        .array(Rate)
        .describe(
          "`req` is for all requests of the account, `write` and `submit` for those that change something.",
        ),
      quotas: z.object({
        queued_jobs: Quota,
        upload_bytes_per_month: Quota,
        audio_seconds_per_month: Quota,
      }),
      caps: z.record(z.string(), z.number()).describe("Of one request, upload or job."),
    })
    .meta({ id: "Limits" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/limits",
  summary: doc("What the account may, and how much of it is used"),
  middleware: authorize("account:read"),
  responses: doc(() => ({
    200: {
      description: "Rates, quotas and caps.",
      content: { "application/json": { schema: LimitsBody } },
    },
    ...problems("forbidden"),
  })),
});

const CAPS = {
  audio_seconds: LIMITS.audioSeconds,
  input_bytes: LIMITS.inputBytes,
  form_file_bytes: LIMITS.formFileBytes,
  body_bytes: LIMITS.jsonBodyBytes,
  metadata_keys: LIMITS.metadataKeys,
  metadata_value_bytes: LIMITS.metadataValueBytes,
  tasks_per_job: LIMITS.tasksPerJob,
  timeout_seconds: LIMITS.jobTimeoutSeconds,
  queue_deadline_seconds: LIMITS.queueDeadlineSeconds,
  retention_seconds: LIMITS.resultKeptSeconds,
};

export function getLimits(app: App, deps: Pick<Deps, "db" | "clock" | "rateLimits">): void {
  app.openapi(route, async (c) => {
    const { accountId, requestsPerMinute } = c.var.principal;
    const quotas = await readQuotas(deps.db, accountId);
    const usage = await readUsage(deps.db, accountId, deps.clock().toISOString().slice(0, 7));
    const ofKey = requestsPerMinute ? [{ name: "key", limit: requestsPerMinute, window_seconds: 60 }] : [];
    const rates = (["req", "read", "write", "submit"] as const).map((name) => {
      const { limit, windowSeconds } = deps.rateLimits[name];
      return { name, limit, window_seconds: windowSeconds };
    });
    return c.json(
      {
        rates: [...rates, ...ofKey],
        quotas: {
          queued_jobs: { limit: quotas.queuedJobs, used: await countQueuedJobs(deps.db, accountId) },
          upload_bytes_per_month: { limit: quotas.uploadBytesPerMonth, used: usage.uploadBytes },
          audio_seconds_per_month: { limit: quotas.audioSecondsPerMonth, used: usage.audioSeconds },
        },
        caps: CAPS,
      },
      200,
    );
  });
}

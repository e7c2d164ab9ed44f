import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { holdEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { recoverEvents } from "@earshot/shared/db/webhooks/redeliver";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { invalid } from "../../problem.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { queryTime } from "../query-time.ts";
import { requireEnabled } from "./require-endpoint.ts";

const RecoverRequest = z
  .strictObject({
    since: queryTime.describe(doc("Events of this time and later, an ISO 8601 time.")),
    until: queryTime.optional().describe(doc("Events before this; without it, all up to now.")),
  })
  .meta({ id: doc("WebhookRecovery") });

const Recovered = doc(() =>
  z
    .object({
      recovered: z.int().describe("Events that are sent once more."),
      has_more: z
        .boolean()
        .describe(`One request recovers at most ${LIMITS.recoveredAtOnce}; the same request again goes on.`),
    })
    .meta({ id: "WebhookRecovered" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/webhook-endpoints/{id}/recover",
  summary: doc(
    "Send an endpoint what it wants of a range of time and did not get: what failed, and what came while it was disabled",
  ),
  middleware: authorize("webhooks:write"),
  request: {
    params: IdParams,
    body: { required: true, content: { "application/json": { schema: RecoverRequest } } },
  },
  responses: doc(() => ({
    202: {
      description: "They are on their way.",
      content: { "application/json": { schema: Recovered } },
    },
    ...problems(
      "validation_failed",
      "forbidden",
      "not_found",
      "conflict",
      "body_too_large",
      "unsupported_content_type",
    ),
  })),
});

export function recoverWebhookEndpoint(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    const { since, until = clock() } = c.req.valid("json");
    const { recovered, hasMore } = await db.transaction(async (tx) => {
      const endpoint = requireEnabled(await holdEndpoint(tx, c.var.principal.accountId, id));
      if (since >= until) throw invalid("/since", "The range must begin before it ends.");
      return recoverEvents(tx, endpoint, { since, until });
    });
    note(c, { endpoint_id: id, recovered });
    return c.json({ recovered, has_more: hasMore }, 202);
  });
}

import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { selectAttempts } from "@earshot/shared/db/webhooks/list-deliveries";
import { EVENT_TYPES } from "@earshot/shared/domain/events";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { AttemptBody, attemptBody } from "../events/delivery-body.ts";
import { IdParams, requireId } from "../ids.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PageQuery } from "../page-query.ts";
import { requireEndpoint } from "./require-endpoint.ts";

const EndpointAttempt = doc(() =>
  AttemptBody.extend({
    delivery_id: z.string(),
    event_id: z.string(),
    type: z.enum(EVENT_TYPES),
  }).meta({ id: "WebhookEndpointAttempt" }),
);

const AttemptList = doc(() =>
  z
    .object({ data: z.array(EndpointAttempt), has_more: z.boolean(), next_cursor: z.string().nullable() })
    .meta({ id: "WebhookEndpointAttemptList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/webhook-endpoints/{id}/attempts",
  summary: doc("What was sent to a webhook endpoint, the newest attempt first"),
  middleware: authorize("webhooks:read"),
  request: { params: IdParams, query: PageQuery },
  responses: doc(() => ({
    200: {
      description: "A page of attempts.",
      content: { "application/json": { schema: AttemptList } },
    },
    ...problems("validation_failed", "forbidden", "not_found"),
  })),
});

export function listWebhookAttempts(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    const { cursor, limit } = c.req.valid("query");
    requireEndpoint(await findEndpoint(db, c.var.principal.accountId, id));
    const thisList = JSON.stringify(["attempts", id]);
    const after = cursor === undefined ? null : await requirePlace(cursor, thisList, "delivery");
    const found = await selectAttempts(db, id, { after, limit });
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    const page = {
      data: shown.map((attempt) => ({
        ...attemptBody(attempt),
        delivery_id: attempt.deliveryId,
        event_id: attempt.eventId,
        type: attempt.type,
      })),
      has_more: last !== undefined,
      next_cursor: last
        ? await writeCursor({ createdAt: last.startedAt, id: last.deliveryId }, thisList)
        : null,
    };
    return c.json(page, 200, { "Cache-Control": "private, no-cache" });
  });
}

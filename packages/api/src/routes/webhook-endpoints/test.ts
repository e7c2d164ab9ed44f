import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { recordEvent } from "@earshot/shared/db/events";
import { holdEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { requireEnabled } from "./require-endpoint.ts";

const SentTest = doc(() =>
  z
    .object({ event_id: z.string(), links: z.object({ event: z.string(), deliveries: z.string() }) })
    .meta({ id: "WebhookTest" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/webhook-endpoints/{id}/test",
  summary: doc("Send a `webhook.test` event to this endpoint alone, once"),
  middleware: authorize("webhooks:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    202: {
      description: "It is on its way; the deliveries of the event show what came of it.",
      content: { "application/json": { schema: SentTest } },
    },
    ...problems("forbidden", "not_found", "conflict"),
  })),
});

export function testWebhookEndpoint(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    const { accountId } = c.var.principal;
    const eventId = await db.transaction(async (tx) => {
      const endpoint = requireEnabled(await holdEndpoint(tx, accountId, id));
      const data = { endpoint_id: id, message: "This is a test." };
      return recordEvent(tx, { accountId, type: "webhook.test", data, onlyTo: endpoint, at: clock() });
    });
    note(c, { endpoint_id: id, event_id: eventId });
    const event = `/v1/events/${eventId}`;
    return c.json({ event_id: eventId, links: { event, deliveries: `${event}/deliveries` } }, 202);
  });
}

import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listDeliveries } from "@earshot/shared/db/webhooks/list-deliveries";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams } from "../ids.ts";
import { DeliveryBody, deliveryBody } from "./delivery-body.ts";
import { requireEvent } from "./require-event.ts";

const MOST = 500;

const DeliveryList = doc(() => z.object({ data: z.array(DeliveryBody) }).meta({ id: "DeliveryList" }));

const route = createRoute({
  method: "get",
  path: "/v1/events/{id}/deliveries",
  summary: doc("Where an event was sent, with every attempt and the time of the next one"),
  middleware: authorize("events:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: {
      description: `In the order of their making; the last ${MOST}, where there are more.`,
      content: { "application/json": { schema: DeliveryList } },
    },
    ...problems("forbidden", "not_found"),
  })),
});

export function listEventDeliveries(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const event = await requireEvent(db, c.var.principal.accountId, c.req.valid("param").id);
    const data = (await listDeliveries(db, event.id, MOST)).map(deliveryBody);
    return c.json({ data }, 200, { "Cache-Control": "private, no-cache" });
  });
}

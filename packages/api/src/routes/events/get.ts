import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams } from "../ids.ts";
import { EventBody, eventBody } from "./event-body.ts";
import { requireEvent } from "./require-event.ts";

const route = createRoute({
  method: "get",
  path: "/v1/events/{id}",
  summary: doc("One event"),
  middleware: authorize("events:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: { description: "The event.", content: { "application/json": { schema: EventBody } } },
    ...problems("forbidden", "not_found"),
  })),
});

export function getEvent(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const event = await requireEvent(db, c.var.principal.accountId, c.req.valid("param").id);
    return c.json(eventBody(event), 200, { "Cache-Control": "private, no-cache" });
  });
}

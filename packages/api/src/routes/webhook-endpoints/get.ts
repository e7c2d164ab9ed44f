import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { findEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { EndpointBody, endpointBody } from "./endpoint-body.ts";
import { requireEndpoint } from "./require-endpoint.ts";

const route = createRoute({
  method: "get",
  path: "/v1/webhook-endpoints/{id}",
  summary: doc("One webhook endpoint, without its secret"),
  middleware: authorize("webhooks:read"),
  request: { params: IdParams },
  responses: doc(() => ({
    200: { description: "The endpoint.", content: { "application/json": { schema: EndpointBody } } },
    ...problems("forbidden", "not_found"),
  })),
});

export function getWebhookEndpoint(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    const endpoint = requireEndpoint(await findEndpoint(db, c.var.principal.accountId, id));
    return c.json(endpointBody(endpoint, clock()), 200, { "Cache-Control": "private, no-cache" });
  });
}

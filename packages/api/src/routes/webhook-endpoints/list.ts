import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listEndpoints } from "@earshot/shared/db/webhooks/endpoints";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { EndpointBody, endpointBody } from "./endpoint-body.ts";

const EndpointList = doc(() =>
  z
    .object({ data: z.array(EndpointBody), has_more: z.literal(false), next_cursor: z.null() })
    .meta({ id: "WebhookEndpointList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/webhook-endpoints",
  summary: doc("List webhook endpoints, the newest first"),
  middleware: authorize("webhooks:read"),
  responses: doc(() => ({
    200: {
      description: `All of them: there are at most ${LIMITS.webhookEndpoints}.`,
      content: { "application/json": { schema: EndpointList } },
    },
    ...problems("forbidden"),
  })),
});

export function listWebhookEndpoints(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const endpoints = await listEndpoints(db, c.var.principal.accountId);
    const data = endpoints.map((endpoint) => endpointBody(endpoint, clock()));
    return c.json({ data, has_more: false as const, next_cursor: null }, 200, {
      "Cache-Control": "private, no-cache",
    });
  });
}

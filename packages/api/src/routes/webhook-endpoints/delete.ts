import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { deleteEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";

const route = createRoute({
  method: "delete",
  path: "/v1/webhook-endpoints/{id}",
  summary: doc("Delete a webhook endpoint and its secrets; what waits for it is not sent any more"),
  middleware: authorize("webhooks:write"),
  request: { params: IdParams },
  responses: doc(() => ({
    204: { description: "It is gone. What was sent to it stays with its events." },
    ...problems("forbidden", "not_found"),
  })),
});

export function deleteWebhookEndpoint(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    await db.transaction(async (tx) => {
      if (!(await deleteEndpoint(tx, c.var.principal.accountId, id))) throw new AppError("not_found");
      await audit(c, tx, { action: "webhook_endpoint.delete", target: id });
    });
    note(c, { endpoint_id: id });
    return c.body(null, 204);
  });
}

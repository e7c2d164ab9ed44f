import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import type { EndpointSettings } from "@earshot/shared/db/webhooks/endpoints";
import { findEndpoint, updateEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { EndpointBody, endpointBody } from "./endpoint-body.ts";
import { EndpointChange, refuseForbiddenUrl } from "./endpoint-request.ts";
import { requireEndpoint } from "./require-endpoint.ts";

const route = createRoute({
  method: "patch",
  path: "/v1/webhook-endpoints/{id}",
  summary: doc("Change a webhook endpoint; what already waits goes to the new URL"),
  middleware: authorize("webhooks:write"),
  request: {
    params: IdParams,
    body: { required: true, content: { "application/json": { schema: EndpointChange } } },
  },
  responses: doc(() => ({
    200: {
      description: "The endpoint as it is now.",
      content: { "application/json": { schema: EndpointBody } },
    },
    ...problems("validation_failed", "forbidden", "not_found", "body_too_large", "unsupported_content_type"),
  })),
});

type UpdateDeps = Pick<Deps, "db" | "clock" | "allowLoopback">;

export function updateWebhookEndpoint(app: App, deps: UpdateDeps): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    const { accountId } = c.var.principal;
    const change = given(c.req.valid("json"));
    requireEndpoint(await findEndpoint(deps.db, accountId, id));
    if (change.url !== undefined) refuseForbiddenUrl(change.url, deps);
    const endpoint = await deps.db.transaction(async (tx) => {
      const changed = requireEndpoint(await updateEndpoint(tx, accountId, id, change));
      const detail = {
        changed: Object.keys(change),
        ...(change.url !== undefined && { host: new URL(change.url).host }),
        ...(change.enabled !== undefined && { enabled: change.enabled }),
      };
      await audit(c, tx, { action: "webhook_endpoint.update", target: id, detail });
      return changed;
    });
    note(c, { endpoint_id: id });
    return c.json(endpointBody(endpoint, deps.clock()), 200);
  });
}

/** Without what was left out. */
function given(change: { [Key in keyof EndpointSettings]?: EndpointSettings[Key] | undefined }) {
  const entries = Object.entries(change).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<EndpointSettings>;
}

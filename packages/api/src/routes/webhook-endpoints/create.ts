import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { insertEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { SECRET_HEADERS } from "../api-keys/key-body.ts";
import { endpointBody, EndpointWithSecret } from "./endpoint-body.ts";
import { EndpointRequest, refuseForbiddenUrl } from "./endpoint-request.ts";

const route = createRoute({
  method: "post",
  path: "/v1/webhook-endpoints",
  summary: doc("Name a URL that this account's events are posted to; its signing secret is shown this once"),
  middleware: authorize("webhooks:write"),
  request: { body: { required: true, content: { "application/json": { schema: EndpointRequest } } } },
  responses: doc(() => ({
    201: {
      description: "The endpoint, with its secret.",
      content: { "application/json": { schema: EndpointWithSecret } },
    },
    ...problems(
      "validation_failed",
      "forbidden",
      "body_too_large",
      "unsupported_content_type",
      "quota_exceeded",
    ),
  })),
});

type CreateDeps = Pick<Deps, "db" | "sealKeys" | "clock" | "allowLoopback">;

/** Without Idempotency-Key: a saved answer would hold the secret. */
export function createWebhookEndpoint(app: App, deps: CreateDeps): void {
  app.openapi(route, async (c) => {
    const { secret = newWebhookSecret(), ...settings } = c.req.valid("json");
    refuseForbiddenUrl(settings.url, deps);
    const { accountId } = c.var.principal;
    const endpoint = await deps.db.transaction(async (tx) => {
      const made = await insertEndpoint(tx, deps.sealKeys, { ...settings, accountId, secret });
      if (made === null) {
        throw new AppError("quota_exceeded", {
          message: `An account has at most ${LIMITS.webhookEndpoints} endpoints.`,
        });
      }
      const detail = { host: new URL(made.url).host, events: made.events, payload: made.payload };
      await audit(c, tx, { action: "webhook_endpoint.create", target: made.id, detail });
      return made;
    });
    note(c, { endpoint_id: endpoint.id });
    const headers = { ...SECRET_HEADERS, Location: `/v1/webhook-endpoints/${endpoint.id}` };
    return c.json({ ...endpointBody(endpoint, deps.clock()), secret }, 201, headers);
  });
}

import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { rotateSecret } from "@earshot/shared/db/webhooks/endpoints";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { SECRET_HEADERS } from "../api-keys/key-body.ts";
import { IdParams, requireId } from "../ids.ts";
import { endpointBody, EndpointWithSecret } from "./endpoint-body.ts";
import { requireEndpoint } from "./require-endpoint.ts";
import { ROTATION_BODY, SecretRotation } from "./secret-rotation.ts";

const route = createRoute({
  method: "post",
  path: "/v1/webhook-endpoints/{id}/rotate-secret",
  summary: doc("Give a webhook endpoint a new signing secret; until the grace ends both sign"),
  middleware: authorize("webhooks:write"),
  request: {
    params: IdParams,
    body: ROTATION_BODY,
  },
  responses: doc(() => ({
    200: {
      description: "The endpoint, with its new secret.",
      content: { "application/json": { schema: EndpointWithSecret } },
    },
    ...problems("validation_failed", "forbidden", "not_found", "body_too_large", "unsupported_content_type"),
  })),
});

export function rotateWebhookSecret(app: App, deps: Pick<Deps, "db" | "sealKeys" | "clock">): void {
  app.openapi(route, async (c) => {
    const id = requireId("endpoint", c.req.valid("param").id);
    // No body at all is not validated, and comes without the defaults.
    const request = SecretRotation.parse(c.req.valid("json"));
    const { secret = newWebhookSecret(), grace_seconds: graceSeconds } = request;
    const { accountId } = c.var.principal;
    const endpoint = await deps.db.transaction(async (tx) => {
      const rotation = { accountId, id, secret, graceSeconds };
      const rotated = requireEndpoint(await rotateSecret(tx, deps.sealKeys, rotation));
      const detail = { grace_seconds: graceSeconds };
      await audit(c, tx, { action: "webhook_endpoint.rotate_secret", target: id, detail });
      return rotated;
    });
    note(c, { endpoint_id: id });
    return c.json({ ...endpointBody(endpoint, deps.clock()), secret }, 200, SECRET_HEADERS);
  });
}

import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { rotateWebhookSecret } from "@earshot/shared/db/accounts";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { ROTATION_BODY, SecretRotation } from "../webhook-endpoints/secret-rotation.ts";

const RotatedSecret = doc(() =>
  z
    .object({
      secret: z.string().describe("It is shown this once."),
      previous_secret_until: z.iso.datetime().nullable().describe("Until then the secret before signs too."),
    })
    .meta({ id: "AccountWebhookSecret" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/account/rotate-webhook-secret",
  summary: doc(
    "Give the account a new secret for webhooks of jobs that bring none; until the grace ends both sign",
  ),
  middleware: authorize("webhooks:write"),
  request: { body: ROTATION_BODY },
  responses: doc(() => ({
    200: {
      description: "The new secret.",
      content: { "application/json": { schema: RotatedSecret } },
    },
    ...problems("validation_failed", "forbidden", "body_too_large", "unsupported_content_type"),
  })),
});

export function rotateAccountSecret(app: App, deps: Pick<Deps, "db" | "sealKeys">): void {
  app.openapi(route, async (c) => {
    // No body at all is not validated, and comes without the defaults.
    const request = SecretRotation.parse(c.req.valid("json"));
    const { secret = newWebhookSecret(), grace_seconds: graceSeconds } = request;
    const { accountId } = c.var.principal;
    const until = await deps.db.transaction(async (tx) => {
      const rotation = { accountId, secret, graceSeconds };
      const rotated = await rotateWebhookSecret(tx, deps.sealKeys, rotation);
      const detail = { grace_seconds: graceSeconds };
      await audit(c, tx, { action: "account.rotate_webhook_secret", target: accountId, detail });
      return rotated?.previousUntil?.toISOString() ?? null;
    });
    return c.json({ secret, previous_secret_until: until }, 200);
  });
}

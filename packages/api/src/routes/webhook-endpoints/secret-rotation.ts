import { doc } from "@earshot/shared/domain/doc";
import { LIMITS } from "@earshot/shared/domain/limits";
import * as z from "zod";
import { WebhookSecret } from "../fields.ts";

const GRACE_SECONDS = 24 * 3600;

/** How a signing secret is renewed: an endpoint's, or the account's. */
export const SecretRotation = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(LIMITS.secretGraceSeconds)
      .default(GRACE_SECONDS)
      .describe(doc("How long the old secret signs beside the new one. 0: it ends at once.")),
    secret: WebhookSecret.optional().describe(doc("To bring one's own, in place of a new one.")),
  })
  .meta({ id: doc("WebhookSecretRotation") });

export const ROTATION_BODY = {
  required: false,
  content: { "application/json": { schema: SecretRotation } },
} as const;

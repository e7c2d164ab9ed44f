import * as z from "zod";
import { utf8 } from "@earshot/shared/crypto/bytes";
import { webhookKey } from "@earshot/shared/crypto/webhook-signatures";
import { LIMITS } from "@earshot/shared/domain/limits";
import { isPlainWebUrl } from "./jobs/web-url.ts";

/** Fields that several requests have. */

export const WebUrl = z.string().max(2048).refine(isPlainWebUrl, "Not an https URL without credentials");

export const WebhookSecret = z
  .string()
  .max(128)
  .refine((secret) => webhookKey(secret) !== null, "A secret is whsec_ and base64 of 24 to 64 bytes");

export const Metadata = z
  .record(
    z.string().min(1).max(64),
    z
      .string()
      .refine(
        (value) => utf8(value).byteLength <= LIMITS.metadataValueBytes,
        `At most ${LIMITS.metadataValueBytes} bytes`,
      ),
  )
  .refine(
    (metadata) => Object.keys(metadata).length <= LIMITS.metadataKeys,
    `At most ${LIMITS.metadataKeys} keys`,
  );

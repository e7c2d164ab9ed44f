import { fromBase64, hmacSha256, randomBytes, toBase64, utf8 } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";

const PREFIX = "whsec_";

// Not base64url, nor without padding: a verifier at the other end need not take those.
const KEY = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `whsec_` + base64 of 32 random bytes (Standard Webhooks 1.0.0 asks for 24 to 64). */
export function newWebhookSecret(): string {
  return PREFIX + toBase64(randomBytes(32));
}

/** The key's bytes, or null when `secret` is not `whsec_` + base64 of 24 to 64 bytes. */
export function webhookKey(secret: string): Bytes | null {
  const encoded = secret.slice(PREFIX.length);
  if (!secret.startsWith(PREFIX) || !KEY.test(encoded)) return null;
  const key = fromBase64(encoded);
  return key.length >= 24 && key.length <= 64 ? key : null;
}

export interface SignedMessage {
  id: string;
  timestampSeconds: number;
  body: string;
}

/**
 * The three headers of Standard Webhooks 1.0.0. Several secrets (a rotation) give several signatures.
 * @throws TypeError when a secret has the wrong form.
 */
export async function signWebhook(
  message: SignedMessage,
  secrets: readonly string[],
): Promise<Record<string, string>> {
  const content = utf8(`${message.id}.${message.timestampSeconds}.${message.body}`);
  const signatures = await Promise.all(
    secrets.map(async (secret) => {
      const key = webhookKey(secret);
      if (key === null) throw new TypeError("a webhook secret is whsec_ and base64 of 24 to 64 bytes");
      return `v1,${toBase64(await hmacSha256(key, content))}`;
    }),
  );
  return {
    "webhook-id": message.id,
    "webhook-timestamp": String(message.timestampSeconds),
    "webhook-signature": signatures.join(" "),
  };
}

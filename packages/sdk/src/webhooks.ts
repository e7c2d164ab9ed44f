import { WebhookVerificationError } from "./errors.ts";

/** What a webhook says, once it is known who sent it. */
export interface WebhookMessage<Data = Record<string, unknown>> {
  /** The same for every attempt to deliver it: what you have done once under this id you need not do again. */
  id: string;
  /** `job.succeeded`, for one. */
  type: string;
  /** When it happened. */
  timestamp: string;
  data: Data;
}

export interface UnwrapOptions {
  /** How old, or how far ahead of this clock, a message may be. Default 300. */
  toleranceSeconds?: number;
  now?: () => Date;
}

type HeaderSource = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

const ENCODED_KEY = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const KEY_BYTES = { least: 24, most: 64 };
// What nobody honest sends would only cost time.
const MOST_SIGNATURES = 16;

/**
 * Checks a webhook by Standard Webhooks 1.0.0 and answers what it says.
 * @param rawBody the very bytes or text that came: JSON that was parsed and written again is not the same.
 * @param secret `whsec_…`; several while one replaces another.
 * @throws WebhookVerificationError when it isn't signed with a secret of yours, or is too old or too early; TypeError
 *   when a secret of yours is none.
 */
export async function unwrap<Data = Record<string, unknown>>(
  rawBody: string | Uint8Array,
  headers: HeaderSource,
  secret: string | readonly string[],
  { toleranceSeconds = 300, now = () => new Date() }: UnwrapOptions = {},
): Promise<WebhookMessage<Data>> {
  const keys = [secret].flat().map(keyOf);
  if (keys.length === 0) throw new TypeError("A webhook is checked with one secret at least.");
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  refuseOtherTimes(timestamp, toleranceSeconds, now());
  const body = typeof rawBody === "string" ? new TextEncoder().encode(rawBody) : rawBody;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), body);
  const signatures = signaturesOf(headerOf(headers, "webhook-signature"));
  if (!(await isSignedByOne(signed, signatures, keys))) {
    throw new WebhookVerificationError("No signature of this webhook was made with a secret of yours.");
  }
  return { id, ...messageOf<Data>(body) };
}

/** `crypto.subtle.verify` compares in constant time. Every pair is tried: which of them fits shows in no time either. */
async function isSignedByOne(
  signed: Uint8Array<ArrayBuffer>,
  signatures: readonly Uint8Array<ArrayBuffer>[],
  keys: readonly Uint8Array<ArrayBuffer>[],
): Promise<boolean> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const checks = keys.map(async (bytes) => {
    const key = await crypto.subtle.importKey("raw", bytes, hmac, false, ["verify"]);
    return Promise.all(signatures.map((signature) => crypto.subtle.verify(hmac, key, signature, signed)));
  });
  return (await Promise.all(checks)).flat().includes(true);
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const encoded = secret.slice("whsec_".length);
  const key = secret.startsWith("whsec_") && ENCODED_KEY.test(encoded) ? bytesOf(encoded) : null;
  if (key === null || key.length < KEY_BYTES.least || key.length > KEY_BYTES.most) {
    throw new TypeError("A webhook secret is whsec_ and base64 of 24 to 64 bytes.");
  }
  return key;
}

/** `v1,<base64>`, several separated by spaces. Versions that are not known are passed over. */
function signaturesOf(header: string): Uint8Array<ArrayBuffer>[] {
  return header
    .split(" ")
    .slice(0, MOST_SIGNATURES)
    .flatMap((text) =>
      text.startsWith("v1,") && ENCODED_KEY.test(text.slice(3)) ? [bytesOf(text.slice(3))] : [],
    );
}

function refuseOtherTimes(timestamp: string, toleranceSeconds: number, now: Date): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookVerificationError("webhook-timestamp is no time.");
  const ageSeconds = now.getTime() / 1_000 - Number(timestamp);
  if (ageSeconds > toleranceSeconds) throw new WebhookVerificationError("This webhook is too old.");
  if (ageSeconds < -toleranceSeconds) throw new WebhookVerificationError("This webhook is from the future.");
}

function headerOf(headers: HeaderSource, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : plainHeader(headers, name);
  if (value === null || value === "") throw new WebhookVerificationError(`${name} is missing.`);
  return value;
}

function plainHeader(headers: Exclude<HeaderSource, Headers>, name: string): string | null {
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  // Twice is not what was sent.
  return typeof found === "string" ? found : null;
}

function messageOf<Data>(body: Uint8Array): Omit<WebhookMessage<Data>, "id"> {
  try {
    const message: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (isMessage<Data>(message))
      return { type: message.type, timestamp: message.timestamp, data: message.data };
  } catch {
    // Said below.
  }
  throw new WebhookVerificationError("The body is not {type, timestamp, data}.");
}

function isMessage<Data>(message: unknown): message is WebhookMessage<Data> {
  if (typeof message !== "object" || message === null) return false;
  const { type, timestamp, data } = message as Record<string, unknown>;
  return (
    typeof type === "string" && typeof timestamp === "string" && typeof data === "object" && data !== null
  );
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

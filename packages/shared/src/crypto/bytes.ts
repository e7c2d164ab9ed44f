export type Bytes = Uint8Array<ArrayBuffer>;

/** A key of Web Crypto, whose own name for it not every runtime's types know. */
export type WebKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const encoder = new TextEncoder();

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

export function randomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * Takes base64 and base64url, padded or not.
 * @throws TypeError on anything else, white space included (atob would skip it).
 */
export function fromBase64(text: string): Bytes {
  const digits = text.replace(/=*$/, "").length;
  const padding = text.length - digits;
  const fits = padding === 0 ? digits % 4 !== 1 : text.length % 4 === 0;
  if (!BASE64.test(text) || !fits) throw new TypeError("not base64");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export async function sha256Hex(data: string | Bytes): Promise<string> {
  const bytes = typeof data === "string" ? utf8(data) : data;
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

export async function hmacSha256(key: Bytes, data: Bytes): Promise<Bytes> {
  const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", hmac, data));
}

/** Equal in content, in a time that depends on the length alone. */
export function constantTimeEqual(a: string, b: string): boolean {
  const [left, right] = [utf8(a), utf8(b)];
  let difference = left.length ^ right.length;
  for (let i = 0; i < left.length; i++)
    difference |= (left[i] ?? 0) ^ (right[i % Math.max(1, right.length)] ?? 0);
  return difference === 0;
}

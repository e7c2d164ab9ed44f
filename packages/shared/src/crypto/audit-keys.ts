import { fromBase64, sha256Hex, toBase64Url, utf8 } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";

/** Signs the audit log's seals. Whoever has it can write a log of his own: it lies in no database. */
export interface AuditKey {
  /** From the public part. */
  id: string;
  /** Base64url of 32 bytes: what `openAuditPublicKey` takes. */
  publicKey: string;
  sign(content: string): Promise<string>;
}

export interface AuditPublicKey {
  id: string;
  verify(content: string, signature: string): Promise<boolean>;
}

/** Ed25519 (RFC 8032), PKCS #8 in base64url. */
export async function newAuditKey(): Promise<string> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new TypeError("Ed25519 keys come in pairs");
  return toBase64Url(new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)));
}

/** @throws TypeError, DOMException when it is no such key. */
export async function openAuditKey(text: string): Promise<AuditKey> {
  const key = await crypto.subtle.importKey("pkcs8", fromBase64(text), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  if (x === undefined) throw new TypeError("a key without a public part");
  return {
    id: await idOf(fromBase64(x)),
    publicKey: x,
    sign: async (content) =>
      toBase64Url(new Uint8Array(await crypto.subtle.sign("Ed25519", key, utf8(content)))),
  };
}

/** @throws TypeError, DOMException when it is no such key. */
export async function openAuditPublicKey(text: string): Promise<AuditPublicKey> {
  const bytes = fromBase64(text.trim());
  const key = await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
  return {
    id: await idOf(bytes),
    verify: (content, signature) =>
      crypto.subtle.verify("Ed25519", key, signatureBytes(signature), utf8(content)),
  };
}

// Its length is wrong then, which no signature's is.
function signatureBytes(signature: string): Bytes {
  try {
    return fromBase64(signature);
  } catch {
    return new Uint8Array(0);
  }
}

async function idOf(publicKey: Bytes): Promise<string> {
  return (await sha256Hex(publicKey)).slice(0, 16);
}

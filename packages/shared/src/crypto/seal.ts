import { fromBase64, randomBytes, toBase64Url, utf8 } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";

/** Keys that seal secrets at rest. The first seals; all of them open, so a rotation needs no downtime. */
export type SealKeys = readonly [SealKey, ...SealKey[]];
export interface SealKey {
  id: string;
  key: Bytes;
}

/**
 * Parses `id:base64[,id:base64…]`, each key 32 bytes.
 * @throws TypeError on any other form.
 */
export function parseSealKeys(text: string): SealKeys {
  const keys = text.split(",").map((part) => {
    const [id, encoded, ...rest] = part.trim().split(":");
    if (!id || !encoded || rest.length > 0 || !/^[a-z0-9-]{1,32}$/.test(id))
      throw new TypeError("a seal key is id:base64");
    const key = fromBase64(encoded);
    if (key.length !== 32) throw new TypeError("a seal key has 32 bytes");
    return { id, key };
  });
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new TypeError("two seal keys have one id");
  const [first, ...rest] = keys;
  if (first === undefined) throw new TypeError("at least one seal key is needed");
  return [first, ...rest];
}

export function newSealKey(id: string): string {
  return `${id}:${toBase64Url(randomBytes(32))}`;
}

/** `v1.<key id>.<iv>.<ciphertext>` by AES-256-GCM. `context` (the row it belongs to) is authenticated, so a sealed value cannot be moved. */
export async function seal(keys: SealKeys, plaintext: string, context: string): Promise<string> {
  const [{ id, key }] = keys;
  const iv = randomBytes(12);
  const ciphertext = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: utf8(context) },
    await importKey(key, "encrypt"),
    utf8(plaintext),
  );
  return ["v1", id, toBase64Url(iv), toBase64Url(new Uint8Array(ciphertext))].join(".");
}

/** @throws Error when the key is unknown, or the value is in another form, was changed or sealed for another context. */
export async function unseal(keys: SealKeys, sealed: string, context: string): Promise<string> {
  const [version, id, iv, ciphertext, ...rest] = sealed.split(".");
  if (version !== "v1" || !iv || !ciphertext || rest.length > 0) throw new Error("not a sealed value");
  const found = keys.find((candidate) => candidate.id === id);
  if (!found) throw new Error("sealed with a key that is not configured");
  const plaintext = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: fromBase64(iv), additionalData: utf8(context) },
    await importKey(found.key, "decrypt"),
    fromBase64(ciphertext),
  );
  // What begins with a byte order mark comes back with it.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(plaintext);
}

function importKey(key: Bytes, usage: "encrypt" | "decrypt") {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [usage]);
}

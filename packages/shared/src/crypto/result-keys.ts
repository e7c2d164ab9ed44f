import { fromBase64, randomBytes, toBase64Url, utf8 } from "./bytes.ts";
import type { Bytes, WebKey } from "./bytes.ts";

/**
 * Results are sealed in envelopes: each under an AES-256-GCM key of its own, and that key for whoever holds the
 * private part of an X25519 pair (RFC 7748). A worker has the public part alone: it can seal, and open nothing.
 */
export interface ResultSealKey {
  id: string;
  publicKey: Bytes;
}

/** PKCS #8. */
export interface ResultKey {
  id: string;
  privateKey: Bytes;
}

/** The first is sealed for; all of them open, so a rotation needs no downtime. */
export type ResultKeys = readonly [ResultKey, ...ResultKey[]];

const ID = /^[a-z0-9-]{1,32}$/;
const PKCS8_BYTES = 48;

/** @returns `id:base64url`, as `parseResultKeys` takes it. */
export async function newResultKey(id: string): Promise<string> {
  const { privateKey } = await newPair();
  return `${id}:${toBase64Url(new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)))}`;
}

/** Parses `id:base64[,id:base64…]`, each PKCS #8 of an X25519 key. @throws TypeError on any other form. */
export function parseResultKeys(text: string): ResultKeys {
  const keys = text.split(",").map((part): ResultKey => {
    const [id, privateKey] = parseKey(part, PKCS8_BYTES);
    return { id, privateKey };
  });
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new TypeError("two result keys have one id");
  const [first, ...rest] = keys;
  if (first === undefined) throw new TypeError("at least one result key is needed");
  return [first, ...rest];
}

/** The part of a key that seals, as `parseResultSealKey` takes it. */
export async function resultSealKeyOf({ id, privateKey }: ResultKey): Promise<string> {
  return `${id}:${toBase64Url((await openPrivateKey(privateKey)).publicKey)}`;
}

/** @throws TypeError on another form than `id:base64` of 32 bytes. */
export function parseResultSealKey(text: string): ResultSealKey {
  const [id, publicKey] = parseKey(text, 32);
  return { id, publicKey };
}

export interface Envelope {
  /** Seals one result. */
  key: WebKey;
  /** The same for the database: `v1.<key id>.<ephemeral key>.<sealed key>`. */
  sealedKey: string;
}

/** @param context the row it belongs to: a sealed key opens nothing in another place. */
export async function newEnvelope(recipient: ResultSealKey, context: string): Promise<Envelope> {
  const key = randomBytes(32);
  return { key: await importKey(key), sealedKey: await sealKey(recipient, key, context) };
}

/** @throws Error when the key is unknown, or the value was changed or sealed for another context. */
export async function openEnvelope(keys: ResultKeys, sealedKey: string, context: string): Promise<WebKey> {
  return importKey(await openKey(keys, sealedKey, context));
}

/** For the first key instead of the one that it is sealed for. What lies in the envelope stays as it is. */
export async function resealEnvelope(keys: ResultKeys, sealedKey: string, context: string): Promise<string> {
  const [{ id, privateKey }] = keys;
  const { publicKey } = await openPrivateKey(privateKey);
  return sealKey({ id, publicKey }, await openKey(keys, sealedKey, context), context);
}

async function sealKey({ id, publicKey }: ResultSealKey, key: Bytes, context: string): Promise<string> {
  const ephemeral = await newPair();
  const ephemeralPublic = new Uint8Array(await crypto.subtle.exportKey("raw", ephemeral.publicKey));
  const wrapping = await wrappingKey(ephemeral.privateKey, publicKey, [ephemeralPublic, publicKey]);
  const sealed = await crypto.subtle.encrypt(wrapBy(context), wrapping, key);
  return ["v1", id, toBase64Url(ephemeralPublic), toBase64Url(new Uint8Array(sealed))].join(".");
}

async function openKey(keys: ResultKeys, sealedKey: string, context: string): Promise<Bytes> {
  const [version, id, ephemeral, sealed, ...rest] = sealedKey.split(".");
  if (version !== "v1" || !ephemeral || !sealed || rest.length > 0) throw new Error("not a sealed key");
  const found = keys.find((candidate) => candidate.id === id);
  if (!found) throw new Error("sealed for a key that is not configured");
  const { key, publicKey } = await openPrivateKey(found.privateKey);
  const ephemeralPublic = fromBase64(ephemeral);
  const wrapping = await wrappingKey(key, ephemeralPublic, [ephemeralPublic, publicKey]);
  return new Uint8Array(await crypto.subtle.decrypt(wrapBy(context), wrapping, fromBase64(sealed)));
}

/** A wrapping key is made for one key alone, so its nonce may be a constant. */
function wrapBy(context: string) {
  return { name: "AES-GCM", iv: new Uint8Array(12), additionalData: utf8(context) };
}

/** HKDF-SHA-256 (RFC 5869) of what the two keys agree on, bound to both. */
async function wrappingKey(own: WebKey, theirs: Bytes, parties: readonly Bytes[]): Promise<WebKey> {
  const peer = await crypto.subtle.importKey("raw", theirs, "X25519", false, []);
  const agreed = await crypto.subtle.deriveBits({ name: "X25519", public: peer }, own, 256);
  const secret = await crypto.subtle.importKey("raw", agreed, "HKDF", false, ["deriveKey"]);
  const salt = new Uint8Array(parties.flatMap((bytes) => [...bytes]));
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt, info: utf8("earshot result 1") },
    secret,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

async function openPrivateKey(pkcs8: Bytes): Promise<{ key: WebKey; publicKey: Bytes }> {
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "X25519", true, ["deriveBits"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  if (x === undefined) throw new TypeError("a key without a public part");
  return { key, publicKey: fromBase64(x) };
}

async function newPair() {
  const pair = await crypto.subtle.generateKey("X25519", true, ["deriveBits"]);
  if (!("privateKey" in pair)) throw new TypeError("X25519 keys come in pairs");
  return pair;
}

function importKey(key: Bytes): Promise<WebKey> {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function parseKey(text: string, length: number): [id: string, key: Bytes] {
  const [id, encoded, ...rest] = text.trim().split(":");
  if (!id || !encoded || rest.length > 0 || !ID.test(id)) throw new TypeError("a result key is id:base64");
  const key = fromBase64(encoded);
  if (key.length !== length) throw new TypeError(`this part of a result key has ${length} bytes`);
  return [id, key];
}

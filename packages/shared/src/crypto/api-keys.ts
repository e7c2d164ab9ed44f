import { constantTimeEqual, randomBytes, sha256Hex, toBase64Url } from "./bytes.ts";

/** `ek_<prefix>_<secret>`: the prefix finds the row, the secret (256 random bits) proves it. Only the hash is kept. */
export interface NewApiKey {
  key: string;
  prefix: string;
  secretHash: string;
}

const FORM = /^ek_([0-9a-z]{12})_([A-Za-z0-9_-]{43})$/;
const ALPHABET = "0123456789abcdefghijklmnopqrstuv";

export async function newApiKey(): Promise<NewApiKey> {
  const prefix = Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32]).join("");
  const secret = toBase64Url(randomBytes(32));
  return { key: `ek_${prefix}_${secret}`, prefix, secretHash: await sha256Hex(secret) };
}

/** The two parts of a key, or null when it does not have the form of one. */
export function parseApiKey(key: string): { prefix: string; secret: string } | null {
  const match = FORM.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  return { prefix: match[1], secret: match[2] };
}

// Compared for a prefix that nobody has, so that known and unknown keys cost the same.
const NOBODY = "0".repeat(64);

export async function apiKeyMatches(secret: string, secretHash: string | null): Promise<boolean> {
  const matches = constantTimeEqual(await sha256Hex(secret), secretHash ?? NOBODY);
  return matches && secretHash !== null;
}

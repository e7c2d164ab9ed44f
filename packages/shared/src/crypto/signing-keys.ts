import type { CryptoKey, JWK } from "jose";
import { calculateJwkThumbprint } from "jose/jwk/thumbprint";
import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { importJWK } from "jose/key/import";
import type { SealKeys } from "./seal.ts";
import { seal, unseal } from "./seal.ts";

/** What our own tokens are signed with. No secret that a verifier shares is among them: nobody who checks can forge. */
export const SIGNING_ALGORITHMS = ["EdDSA", "ES256"] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** As it is kept: `kid` is the thumbprint of the public key (RFC 7638), the private one is sealed and bound to it. */
export interface SigningKey {
  kid: string;
  algorithm: SigningAlgorithm;
  publicJwk: string;
  privateJwkSealed: string;
}

export async function newSigningKey(algorithm: SigningAlgorithm, sealKeys: SealKeys): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  if (!kty || !crv || !x || !d) throw new Error("the runtime made a key without its parts");
  const publicJwk = { kty, crv, x, ...(y !== undefined && { y }) };
  const kid = await calculateJwkThumbprint(publicJwk, "sha256");
  const privateJwkSealed = await seal(sealKeys, JSON.stringify({ ...publicJwk, d }), kid);
  return { kid, algorithm, publicJwk: JSON.stringify(publicJwk), privateJwkSealed };
}

/** The key as others may see it (RFC 7517). */
export function toPublicJwk({ kid, algorithm, publicJwk }: Omit<SigningKey, "privateJwkSealed">) {
  return { ...(JSON.parse(publicJwk) as object), kid, alg: algorithm, use: "sig" } as const;
}

export async function importPublic(key: Pick<SigningKey, "publicJwk" | "algorithm">): Promise<CryptoKey> {
  return imported(key.publicJwk, key.algorithm);
}

export async function importPrivate(key: SigningKey, sealKeys: SealKeys): Promise<CryptoKey> {
  return imported(await unseal(sealKeys, key.privateJwkSealed, key.kid), key.algorithm);
}

async function imported(jwk: string, algorithm: SigningAlgorithm): Promise<CryptoKey> {
  const key = await importJWK(JSON.parse(jwk) as JWK, algorithm);
  if (key instanceof Uint8Array) throw new TypeError("a signing key is never symmetric");
  return key;
}

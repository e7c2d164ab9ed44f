import { decodeProtectedHeader } from "jose/decode/protected_header";
import { decodeJwt } from "jose/jwt/decode";
import { createLocalJWKSet } from "jose/jwks/local";
import { jwtVerify } from "jose/jwt/verify";
import type { CryptoKey, JSONWebKeySet, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import * as z from "zod";

/** Longer than any token that we make, and than what a provider should. */
const LONGEST_TOKEN = 4096;

/** Of two clocks that are both right, more or less. */
const SKEW_SECONDS = 30;

const Header = z.object({ alg: z.string(), kid: z.string().min(1).max(256), typ: z.string().optional() });

export interface UnprovenJwt {
  alg: string;
  kid: string;
  typ: string | undefined;
  iss: string;
}

/** What a token says of itself, to choose who may check it. Nothing of it is proven. Null: not a token that names its key. */
export function peekJwt(token: string): UnprovenJwt | null {
  if (token.length > LONGEST_TOKEN || token.split(".").length !== 3) return null;
  try {
    const { alg, kid, typ } = Header.parse(decodeProtectedHeader(token));
    const { iss } = decodeJwt(token);
    return iss === undefined ? null : { alg, kid, typ, iss };
  } catch {
    return null;
  }
}

/** A set of public keys that somebody else publishes, and may replace. */
export interface RemoteKeys {
  get(): Promise<JSONWebKeySet>;
  /** For a token that names a key which isn't in it; bounded by whoever holds it. */
  renew(): Promise<JSONWebKeySet>;
}

export interface JwtRules {
  issuer: string;
  audience: string;
  algorithms: readonly string[];
  now: Date;
  /** Of the header; any without it. */
  typ?: string;
  /** Oldest age that is believed, however late the token says it expires. */
  maxAgeSeconds?: number;
  requiredClaims?: readonly string[];
}

/** Checks signature, `alg`, `typ`, `iss`, `aud`, `exp` and `nbf`. Null: one of them is wrong, and nobody is told which. */
export async function verifyJwt(
  token: string,
  key: CryptoKey | JWTVerifyGetKey,
  rules: JwtRules,
): Promise<Record<string, unknown> | null> {
  if (token.length > LONGEST_TOKEN) return null;
  const options: JWTVerifyOptions = {
    issuer: rules.issuer,
    audience: rules.audience,
    algorithms: [...rules.algorithms],
    clockTolerance: SKEW_SECONDS,
    currentDate: rules.now,
    requiredClaims: ["iss", "aud", "exp", ...(rules.requiredClaims ?? [])],
    ...(rules.typ !== undefined && { typ: rules.typ }),
    ...(rules.maxAgeSeconds !== undefined && { maxTokenAge: rules.maxAgeSeconds }),
  };
  try {
    const { payload } =
      typeof key === "function" ? await jwtVerify(token, key, options) : await jwtVerify(token, key, options);
    return payload;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

/** As `verifyJwt`, by the key of the set that the token names. @throws what `keys` throws */
export async function verifyJwtOf(
  token: string,
  keys: RemoteKeys,
  rules: JwtRules,
): Promise<Record<string, unknown> | null> {
  return verifyJwt(
    token,
    async (header, input) => {
      try {
        return await createLocalJWKSet(await keys.get())(header, input);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ERR_JWKS_NO_MATCHING_KEY"))
          throw error;
        return createLocalJWKSet(await keys.renew())(header, input);
      }
    },
    rules,
  );
}

/** jose's errors carry such a code; anything else is a fault of ours, or of the one who should give the keys. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^ERR_J(OSE|W)/.test(String(error.code));
}

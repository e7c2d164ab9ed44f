import { SignJWT } from "jose/jwt/sign";
import * as z from "zod";
import { peekJwt, verifyJwt } from "./jwt.ts";
import type { SealKeys } from "./seal.ts";
import { importPrivate, importPublic } from "./signing-keys.ts";
import type { SigningKey } from "./signing-keys.ts";

/** So long does a token live at most, and so long may it outlive what it was made from. */
export const LONGEST_TOKEN_SECONDS = 600;

/** Whom our tokens are for: this API. A service of another kind gets another audience, and can't use them here. */
const AUDIENCE = "earshot:api";

/** RFC 9068. An ID token, or a token of any other use, has another type. */
const TYP = "at+jwt";

export interface AccessToken {
  id: string;
  accountId: string;
  scopes: string[];
  /** Kind and id of the credential that it was made from. */
  source: string;
  /** The person for whom it was made, where there is one. */
  madeFor?: string | undefined;
  expiresAt: Date;
}

const Claims = z.object({
  jti: z.string().min(1),
  sub: z.string().min(1),
  account_id: z.string().min(1),
  made_for: z.string().optional(),
  scope: z.string(),
  exp: z.number(),
});

export async function signAccessToken(
  token: AccessToken,
  options: { key: SigningKey; sealKeys: SealKeys; issuer: string; now: Date },
): Promise<string> {
  const { key, sealKeys, issuer, now } = options;
  const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
  return new SignJWT({ account_id: token.accountId, made_for: token.madeFor, scope: token.scopes.join(" ") })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: TYP })
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setSubject(token.source)
    .setJti(token.id)
    .setIssuedAt(seconds(now))
    .setNotBefore(seconds(now))
    .setExpirationTime(seconds(token.expiresAt))
    .sign(await importPrivate(key, sealKeys));
}

/**
 * The token, or null for anything but one of ours that is valid now. The algorithm is the key's own: what the token says
 * of it must agree, and changes nothing.
 */
export async function verifyAccessToken(
  token: string,
  options: {
    issuer: string;
    now: Date;
    findKey: (kid: string) => Promise<Pick<SigningKey, "algorithm" | "publicJwk"> | null>;
  },
): Promise<AccessToken | null> {
  const said = peekJwt(token);
  if (said?.iss !== options.issuer || said.typ !== TYP) return null;
  const key = await options.findKey(said.kid);
  if (key === null) return null;
  const payload = await verifyJwt(token, await importPublic(key), {
    issuer: options.issuer,
    audience: AUDIENCE,
    algorithms: [key.algorithm],
    typ: TYP,
    now: options.now,
    maxAgeSeconds: LONGEST_TOKEN_SECONDS,
    requiredClaims: ["iat", "nbf"],
  });
  const claims = Claims.safeParse(payload);
  if (!claims.success) return null;
  const { jti: id, sub: source, account_id: accountId, made_for: madeFor, scope, exp } = claims.data;
  const scopes = scope.split(" ").filter((name) => name !== "");
  return { id, accountId, scopes, source, madeFor, expiresAt: new Date(exp * 1000) };
}

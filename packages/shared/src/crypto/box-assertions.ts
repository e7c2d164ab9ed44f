import { exportJWK } from "jose/key/export";
import { generateKeyPair } from "jose/key/generate/keypair";
import { importJWK } from "jose/key/import";
import { SignJWT } from "jose/jwt/sign";
import * as z from "zod";
import { randomBytes, toBase64Url } from "./bytes.ts";
import { idPattern } from "./ids.ts";
import { peekJwt, verifyJwt } from "./jwt.ts";
import type { SigningAlgorithm } from "./signing-keys.ts";
import { importPublic } from "./signing-keys.ts";

/** How a box proves who it is: a JWT by its own key, good once, for a minute (RFC 7523, section 3). */
const ASSERTION_SECONDS = 60;

/** Nothing that is signed for another purpose is one. */
const TYP = "earshot-box+jwt";

const ED25519 = { kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string().length(43) };

const PublicJwk = z.union([
  z.strictObject(ED25519),
  z.strictObject({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: z.string().length(43),
    y: z.string().length(43),
  }),
]);
/** The public half of a box's key (RFC 7517). A private part in it is refused, so that nobody sends one by mistake. */
export const BoxPublicJwk = PublicJwk.meta({ id: "BoxPublicJwk" });
export type BoxPublicJwk = z.output<typeof PublicJwk>;

/** What a box keeps, in a file that nobody else can read. */
const Key = z.strictObject({
  box_id: z.string().regex(idPattern("box")),
  /** Where it asks. */
  api: z.url({ protocol: /^https?$/ }),
  audience: z.string(),
  private_jwk: z.object({ ...ED25519, d: z.string().length(43) }),
});
export type BoxKey = z.output<typeof Key>;

/** @throws on anything but the text of a box's key file. */
export function parseBoxKey(text: string): BoxKey {
  return Key.parse(JSON.parse(text));
}

export async function newBoxKeyPair(): Promise<{
  publicJwk: BoxPublicJwk;
  privateJwk: BoxKey["private_jwk"];
}> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const privateJwk = Key.shape.private_jwk.parse(await exportJWK(privateKey));
  const { d: _, ...publicJwk } = privateJwk;
  return { publicJwk, privateJwk };
}

export function algorithmOf({ kty }: BoxPublicJwk): SigningAlgorithm {
  return kty === "OKP" ? "EdDSA" : "ES256";
}

/** Whom an assertion is for: one installation's exchange, and nothing else there. */
export function assertionAudience(issuer: string): string {
  return `${issuer}/v1/boxes/token`;
}

/** One assertion, good for one exchange. */
export async function signAssertion({ box_id: id, audience, private_jwk: jwk }: BoxKey): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "EdDSA", kid: id, typ: TYP })
    .setIssuer(id)
    .setAudience(audience)
    .setJti(toBase64Url(randomBytes(16)))
    .setIssuedAt()
    .setExpirationTime(`${ASSERTION_SECONDS}s`)
    .sign(await importJWK(jwk, "EdDSA"));
}

/** Whose it says it is; nothing of it is proven. Null: not the form of one. */
export function peekAssertion(assertion: string): string | null {
  const said = peekJwt(assertion);
  return said !== null && said.iss === said.kid && idPattern("box").test(said.iss) ? said.iss : null;
}

const Claims = z.object({ jti: z.string().min(16).max(128), iat: z.number(), exp: z.number() });

/** Its `jti`, for whoever sees to it that it is used once; null for anything that this box did not sign for us just now. */
export async function verifyAssertion(
  assertion: string,
  box: { id: string; algorithm: SigningAlgorithm; publicJwk: string },
  { issuer, now }: { issuer: string; now: Date },
): Promise<string | null> {
  const payload = await verifyJwt(assertion, await importPublic(box), {
    issuer: box.id,
    audience: assertionAudience(issuer),
    algorithms: [box.algorithm],
    typ: TYP,
    now,
    maxAgeSeconds: ASSERTION_SECONDS,
    requiredClaims: ["iat", "jti"],
  });
  const claims = Claims.safeParse(payload);
  if (!claims.success) return null;
  const { jti, iat, exp } = claims.data;
  return exp - iat <= ASSERTION_SECONDS ? jti : null;
}

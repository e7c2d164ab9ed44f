import * as z from "zod";
import { ID_PREFIXES } from "@earshot/shared/crypto/ids";
import { isLoopbackHost } from "@earshot/shared/domain/loopback";
import { ROLES } from "@earshot/shared/domain/scopes";

/** No secret that a verifier shares is among them. */
const ALGORITHMS = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const claim = z.string().min(1).max(256);

/** https, or http on this machine. Without a slash at the end: that is how discovery builds on it. */
const issuer = z.string().max(512).refine(isIssuer, "is not an https URL");

const Account = z.union([
  z.strictObject({ id: z.string().startsWith(`${ID_PREFIXES.account}_`) }),
  z.strictObject({ claim }),
]);

const Role = z.strictObject({
  claim: claim.optional(),
  /** What the claim holds → the role here. Of several the highest counts. */
  map: z.record(z.string(), z.enum(ROLES)).default({}),
  default: z.enum(ROLES).optional(),
});

const Client = z.strictObject({
  id: z.string().min(1),
  secret: z.string().min(1).optional(),
  scopes: z.array(z.string()).default(["openid", "email", "profile"]),
});

const Issuer = z
  .strictObject({
    issuer,
    /** As the page for signing in calls it. */
    name: z.string().min(1).max(64).optional(),
    /** `aud` of tokens that are shown to the API as they are. Without it none of them is taken. */
    audience: z.string().min(1).optional(),
    algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(["RS256", "ES256", "EdDSA"]),
    account: Account.optional(),
    role: Role.default({ map: {} }),
    /** Of ours there, for people who sign in. Without it nobody can. */
    client: Client.optional(),
  })
  // An ID token tells a client who somebody is, and must open nothing else.
  .refine(({ audience, client }) => audience === undefined || audience !== client?.id, {
    path: ["audience"],
    message: "is the client's id",
  });

export type IssuerConfig = z.output<typeof Issuer>;

const Issuers = z
  .array(Issuer)
  .max(16)
  .refine(
    (issuers) => new Set(issuers.map((each) => each.issuer)).size === issuers.length,
    "names one twice",
  );

/**
 * EARSHOT_OIDC_ISSUERS: a JSON list.
 * @throws Error for any other text
 */
export function parseIssuers(text: string): IssuerConfig[] {
  return Issuers.parse(JSON.parse(text));
}

function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || text.endsWith("/") || url.search !== "" || url.hash !== "" || url.username !== "")
    return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}

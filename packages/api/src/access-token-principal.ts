import { verifyAccessToken } from "@earshot/shared/crypto/access-tokens";
import { findApiKey } from "@earshot/shared/db/api-keys";
import { findPublishedKey } from "@earshot/shared/db/signing-keys";
import { mayComeFrom } from "./api-key-principal.ts";
import type { Deps } from "./deps.ts";
import { note } from "./env.ts";
import type { Principal, PrincipalResolver } from "./principal.ts";

/**
 * Tokens of our own issuer. What a token was made from may be revoked by now: it outlives that by its ten minutes at most, and
 * ends at once when its signing key is revoked. Of an API key it keeps to the key's addresses and counts against the key's rate.
 */
export function resolveAccessToken(deps: Pick<Deps, "db" | "clock" | "tokens">): PrincipalResolver {
  return async function accessTokenPrincipal(credential, c) {
    const token = await verifyAccessToken(credential, {
      issuer: deps.tokens.issuer,
      now: deps.clock(),
      findKey: (kid) => findPublishedKey(deps.db, kid),
    });
    if (token === null) return null;
    note(c, { token_source: token.source });
    const { id, accountId, scopes, madeFor, expiresAt } = token;
    const principal: Principal = { accountId, actor: { kind: "token", id }, madeFor, scopes, expiresAt };
    const keyId = /^api_key:(.+)$/.exec(token.source)?.[1];
    if (keyId === undefined) return principal;
    const key = await findApiKey(deps.db, accountId, keyId);
    if (key === null) return null;
    if (!mayComeFrom(key, c.var.clientIp)) {
      note(c, { refused_key_id: keyId, refused_because: "ip_not_allowed" });
      return null;
    }
    return { ...principal, keyId, requestsPerMinute: key.requestsPerMinute };
  };
}

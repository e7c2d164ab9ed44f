import { verifyAccessToken } from "@earshot/shared/crypto/access-tokens";
import { findPublishedKey } from "@earshot/shared/db/signing-keys";
import type { Deps } from "./deps.ts";
import { note } from "./env.ts";
import type { PrincipalResolver } from "./principal.ts";

/**
 * Tokens of our own issuer: one query for the key, none for what the token was made from. So a token outlives a revocation,
 * by its ten minutes at most; when its signing key is revoked it ends at once.
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
    const { id, accountId, scopes, expiresAt } = token;
    return { accountId, actor: { kind: "token", id }, scopes, expiresAt };
  };
}

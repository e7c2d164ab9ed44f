import { parseSessionToken } from "@earshot/shared/crypto/session-tokens";
import { useSession } from "@earshot/shared/db/sessions";
import { ROLE_SCOPES } from "@earshot/shared/domain/scopes";
import type { Deps } from "./deps.ts";
import { note } from "./env.ts";
import type { PrincipalResolver } from "./principal.ts";

/** People, by cookie or as a bearer: what they may do is their role's, read anew at each request. */
export function resolveSession({ db }: Pick<Deps, "db">): PrincipalResolver {
  return async function sessionPrincipal(credential, c) {
    const token = parseSessionToken(credential);
    if (token === null) return null;
    const session = await useSession(db, token);
    if (session === null) return null;
    const { id, accountId, userId, role, expiresAt, renewedToken } = session;
    if (renewedToken !== null) c.set("renewedSession", { token: renewedToken, expiresAt });
    note(c, { user_id: userId });
    return {
      accountId,
      actor: { kind: "session", id },
      userId,
      role,
      scopes: ROLE_SCOPES[role],
      expiresAt,
    };
  };
}

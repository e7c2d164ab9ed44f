import { recordAudit } from "@earshot/shared/db/audit";
import type { AuditEntry } from "@earshot/shared/db/audit";
import type { Database } from "@earshot/shared/db/database";
import type { AppContext } from "./env.ts";

/** What a route says of its act; who did it, and from where, is known of the request. */
export type Act = Pick<AuditEntry, "action" | "target" | "outcome" | "detail"> &
  // Where nobody is authenticated yet: whose account it is about, and who was named.
  Partial<Pick<AuditEntry, "accountId" | "actor">>;

/** Writes the act into the audit log. Give it the transaction that acts. */
export function audit(c: AppContext, tx: Database, act: Act): Promise<void> {
  const userId = principalOf(c)?.userId;
  return recordAudit(tx, {
    accountId: accountOf(c),
    actor: actorOf(c),
    ip: c.var.clientIp,
    requestId: c.var.requestId,
    ...act,
    // A session's id says nothing to who reads the log.
    ...(userId !== undefined && { detail: { ...act.detail, user_id: userId } }),
  });
}

// A route that is open to all has no principal, whatever the type of the context says.
function principalOf(c: AppContext): AppContext["var"]["principal"] | undefined {
  return c.var.principal;
}

function accountOf(c: AppContext): string | null {
  return principalOf(c)?.accountId ?? null;
}

function actorOf(c: AppContext): AuditEntry["actor"] {
  return principalOf(c)?.actor ?? { kind: "anonymous", id: null };
}

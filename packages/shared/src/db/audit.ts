import { sql } from "drizzle-orm";
import { newId } from "../crypto/ids.ts";
import type { Database } from "./database.ts";

/** `operator`: whoever runs commands on the machine. `system`: Earshot itself. `anonymous`: nobody proved who it is. */
export const AUDIT_ACTOR_KINDS = [
  "api_key",
  "session",
  "token",
  "oidc",
  "box",
  "operator",
  "system",
  "anonymous",
] as const;
export type AuditActorKind = (typeof AUDIT_ACTOR_KINDS)[number];

/** `denied`: may not. `failure`: could not, or proved nothing. */
export const AUDIT_OUTCOMES = ["success", "denied", "failure"] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export interface AuditEntry {
  /** Null: nobody's, such as a login with an unknown name. */
  accountId: string | null;
  actor: { kind: AuditActorKind; id: string | null };
  /** Noun and verb: `api_key.create`. */
  action: string;
  /** The id of what was acted upon. */
  target?: string | null;
  /** `success` unless said otherwise. */
  outcome?: AuditOutcome;
  ip?: string | null;
  requestId?: string | null;
  /** No secrets, and no more than a reader of the log needs. */
  detail?: Readonly<Record<string, unknown>>;
}

/** Adds a row to the audit log. Call it in the transaction of the act, so that one is never there without the other. */
export async function recordAudit(db: Database, entry: AuditEntry): Promise<void> {
  const { accountId, actor, action, target = null, outcome = "success", ip = null, requestId = null } = entry;
  // Its time and its place in the order are the database's to say: these columns alone may be written.
  await db.execute(sql`
    insert into audit_log (id, account_id, actor_kind, actor_id, action, target, outcome, ip, request_id, detail)
    values (${newId("audit")}, ${accountId}, ${actor.kind}, ${actor.id}, ${action}, ${target}, ${outcome}, ${ip},
      ${requestId}, ${JSON.stringify(entry.detail ?? {})}::jsonb)`);
}

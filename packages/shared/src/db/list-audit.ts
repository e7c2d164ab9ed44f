import { and, desc, eq, gt, lt, sql } from "drizzle-orm";
import type { AuditActorKind, AuditOutcome } from "./audit.ts";
import type { Database } from "./database.ts";
import { auditLog } from "./schema.ts";

export type AuditRow = typeof auditLog.$inferSelect;

/** Which rows of an account are asked for. Null: any. */
export interface AuditFilter {
  /** An action, or the beginning of some with its dot: `job.`. */
  action: string | null;
  actorKind: AuditActorKind | null;
  actorId: string | null;
  outcome: AuditOutcome | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
}

/** The newest first. */
export function listAudit(
  db: Database,
  accountId: string,
  filter: AuditFilter,
  { after, limit }: { after: Pick<AuditRow, "createdAt" | "id"> | null; limit: number },
): Promise<AuditRow[]> {
  const { action, actorKind, actorId, outcome, createdAfter, createdBefore } = filter;
  const conditions = [
    eq(auditLog.accountId, accountId),
    after &&
      sql`(${auditLog.createdAt}, ${auditLog.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id})`,
    action &&
      (action.endsWith(".") ? sql`starts_with(${auditLog.action}, ${action})` : eq(auditLog.action, action)),
    actorKind && eq(auditLog.actorKind, actorKind),
    actorId && eq(auditLog.actorId, actorId),
    outcome && eq(auditLog.outcome, outcome),
    createdAfter && gt(auditLog.createdAt, createdAfter),
    createdBefore && lt(auditLog.createdAt, createdBefore),
  ];
  return db
    .select()
    .from(auditLog)
    .where(and(...conditions.filter((condition) => typeof condition === "object" && condition !== null)))
    .orderBy(desc(auditLog.createdAt), desc(auditLog.id))
    .limit(limit);
}

import { asc, desc, eq, gt, max, sql } from "drizzle-orm";
import { digestRows, GENESIS, sealText } from "../crypto/audit-chain.ts";
import type { AuditHead, SealContent, SealedRow } from "../crypto/audit-chain.ts";
import type { AuditKey } from "../crypto/audit-keys.ts";
import { sha256Hex } from "../crypto/bytes.ts";
import type { Database } from "./database.ts";
import { auditLog, auditSeals } from "./schema.ts";

export type AuditSeal = typeof auditSeals.$inferSelect;

/** Rows under one seal at most. */
const SEALED_AT_ONCE = 1_000;
/** Seals that one checkpoint removes at most. */
const RETIRED_AT_ONCE = 200;

/** Columns of a row as they are sealed. jsonb has one spelling of its own. */
export const SEALED_COLUMNS = {
  id: auditLog.id,
  accountId: auditLog.accountId,
  actorKind: auditLog.actorKind,
  actorId: auditLog.actorId,
  action: auditLog.action,
  target: auditLog.target,
  outcome: auditLog.outcome,
  ip: auditLog.ip,
  requestId: auditLog.requestId,
  detail: sql<string>`${auditLog.detail}::text`,
  createdAt: auditLog.createdAt,
};

export interface Sealing {
  head: AuditHead;
  rows: number;
}

/**
 * Numbers and seals a batch of committed rows, in one transaction.
 * @returns null when there is nothing to seal, or another process is sealing.
 */
export async function sealAudit(db: Database, key: AuditKey, now: Date): Promise<Sealing | null> {
  return inSealersTurn(db, async (tx) => {
    const fresh = await tx
      .select(SEALED_COLUMNS)
      .from(auditLog)
      .where(sql`${auditLog.sequence} is null`)
      .orderBy(asc(auditLog.id))
      .limit(SEALED_AT_ONCE);
    if (fresh.length === 0) return null;
    const last = await lastSeal(tx);
    const firstRow = (await lastNumber(tx)) + 1;
    const rows = fresh.map((row, place): SealedRow => ({ ...row, sequence: firstRow + place }));
    await numberRows(tx, rows);
    const head = await addSeal(tx, key, {
      ...(await nextInChain(tx, last, key, now)),
      kind: "rows",
      firstRow,
      lastRow: firstRow + rows.length - 1,
      rowCount: rows.length,
      removedSeal: null,
      removedThrough: null,
      digest: await digestRows(rows),
    });
    return { head, rows: rows.length };
  });
}

/**
 * Removes rows that were sealed before `before`, and their seals, and leaves a signed checkpoint. Call it again while
 * it answers a head. The database itself refuses to remove what is younger than 30 days.
 */
export async function retireAudit(
  db: Database,
  key: AuditKey,
  { before, now }: { before: Date; now: Date },
): Promise<AuditHead | null> {
  return inSealersTurn(db, async (tx) => {
    const oldest = await tx.select().from(auditSeals).orderBy(asc(auditSeals.seq)).limit(RETIRED_AT_ONCE);
    const aged = oldest.slice(0, oldest.findLastIndex((seal) => isRetirable(seal, before)) + 1);
    const retired = aged.every((seal) => seal.createdAt < before) ? aged.at(-1) : undefined;
    const last = await lastSeal(tx);
    if (retired === undefined || last === null) return null;
    const throughRow = Math.max(...aged.map((seal) => seal.lastRow ?? seal.removedThrough ?? 0));
    const checkpoint: SealContent = {
      ...(await nextInChain(tx, last, key, now)),
      kind: "checkpoint",
      firstRow: null,
      lastRow: null,
      rowCount: 0,
      removedSeal: retired.seq,
      removedThrough: throughRow,
      digest: await hashOf(retired),
    };
    const text = sealText(checkpoint);
    await tx.execute(sql`
      select retire_audit(${checkpoint.seq}, ${retired.seq}, ${checkpoint.digest}, ${checkpoint.previousHash},
        ${now.toISOString()}::timestamptz, ${key.id}, ${await key.sign(text)})`);
    return { seq: checkpoint.seq, hash: await sha256Hex(text) };
  });
}

/** A checkpoint alone is no reason for another one. */
function isRetirable(seal: AuditSeal, before: Date): boolean {
  return seal.kind === "rows" && seal.createdAt < before;
}

export async function readAuditHead(db: Database): Promise<AuditHead | null> {
  const last = await lastSeal(db);
  return last === null ? null : { seq: last.seq, hash: await hashOf(last) };
}

/** Whether the chain still holds the seal of that head, or says that retention removed it. */
export async function holdsHead(db: Database, head: AuditHead): Promise<boolean> {
  const [seal] = await db.select().from(auditSeals).where(eq(auditSeals.seq, head.seq));
  if (seal !== undefined) return (await hashOf(seal)) === head.hash;
  const [removed] = await db.select({ seq: max(auditSeals.removedSeal) }).from(auditSeals);
  return (removed?.seq ?? 0) >= head.seq;
}

/** The seals after `seq`, in order. */
export function listSeals(db: Database, after: number, limit: number): Promise<AuditSeal[]> {
  return db
    .select()
    .from(auditSeals)
    .where(gt(auditSeals.seq, after))
    .orderBy(asc(auditSeals.seq))
    .limit(limit);
}

export function hashOf(seal: SealContent): Promise<string> {
  return sha256Hex(sealText(seal));
}

/** One sealer at a time: two would give one number to two rows. */
async function inSealersTurn<T>(db: Database, work: (tx: Database) => Promise<T | null>): Promise<T | null> {
  return db.transaction(async (tx) => {
    const [lock] = await tx.execute<{ ok: boolean }>(
      sql`select pg_try_advisory_xact_lock(hashtextextended('earshot audit seal', 0)) as ok`,
    );
    return lock?.ok ? work(tx) : null;
  });
}

async function lastSeal(tx: Database): Promise<AuditSeal | null> {
  const [last] = await tx.select().from(auditSeals).orderBy(desc(auditSeals.seq)).limit(1);
  return last ?? null;
}

async function lastNumber(tx: Database): Promise<number> {
  const [last] = await tx
    .select({ row: max(auditSeals.lastRow), removed: max(auditSeals.removedThrough) })
    .from(auditSeals);
  return Math.max(last?.row ?? 0, last?.removed ?? 0);
}

/** @throws Error when a row went away in between. */
async function numberRows(tx: Database, rows: readonly SealedRow[]): Promise<void> {
  const numbers = JSON.stringify(rows.map(({ id, sequence }) => ({ id, sequence })));
  const numbered = await tx.execute(sql`
    update audit_log set sequence = given.sequence
    from jsonb_to_recordset(${numbers}::jsonb) as given (id text, sequence bigint)
    where audit_log.id = given.id collate "C" returning audit_log.id`);
  if (numbered.length !== rows.length) throw new Error("a row of the audit log is gone before it was sealed");
}

/** @throws Error for a key that another one has replaced: whoever verifies believes no later seal of it. */
async function nextInChain(tx: Database, last: AuditSeal | null, key: AuditKey, now: Date) {
  if (last !== null && last.keyId !== key.id) {
    const [earlier] = await tx
      .select({ seq: auditSeals.seq })
      .from(auditSeals)
      .where(eq(auditSeals.keyId, key.id))
      .limit(1);
    if (earlier !== undefined) throw new Error(`the audit key ${key.id} was replaced by ${last.keyId}`);
  }
  return {
    seq: (last?.seq ?? 0) + 1,
    previousHash: last === null ? GENESIS : await hashOf(last),
    createdAt: now,
    keyId: key.id,
  };
}

async function addSeal(tx: Database, key: AuditKey, content: SealContent): Promise<AuditHead> {
  const text = sealText(content);
  await tx.insert(auditSeals).values({ ...content, signature: await key.sign(text) });
  return { seq: content.seq, hash: await sha256Hex(text) };
}

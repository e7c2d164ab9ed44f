import { asc, between, count, isNull, sql } from "drizzle-orm";
import { digestRows, GENESIS, sealText } from "../crypto/audit-chain.ts";
import type { AuditHead } from "../crypto/audit-chain.ts";
import type { AuditPublicKey } from "../crypto/audit-keys.ts";
import { hashOf, listSeals, SEALED_COLUMNS } from "./audit-seals.ts";
import type { AuditSeal } from "./audit-seals.ts";
import type { Database } from "./database.ts";
import { auditLog } from "./schema.ts";

export interface AuditFault {
  kind:
    | "row_changed"
    | "row_removed"
    | "row_inserted"
    | "seal_changed"
    | "seal_removed"
    | "unknown_key"
    | "retired_key"
    | "tail_cut"
    | "rewritten";
  message: string;
}

export interface AuditVerdict {
  /** The last seal, to be kept for the next time. Null: nothing was sealed yet. */
  head: AuditHead | null;
  seals: number;
  rows: number;
  /** Too young for a seal, and so covered by none. */
  unsealedRows: number;
  faults: AuditFault[];
}

const SEALS_AT_ONCE = 200;

interface Walk {
  last: { seq: number; hash: string; row: number } | null;
  /** The seal before the first one, as the first one names it. */
  before: { seq: number; hash: string; row: number } | null;
  /** The hash that a kept head must have. */
  atHead: string | null;
  /** The key that signs now, and those that it has replaced. */
  keyId: string | null;
  retiredKeys: Set<string>;
  checkpoint: AuditSeal | null;
}

/**
 * Walks the whole chain as it was at one moment, with the memory of a page of it.
 * @param head the last one that is known. Without it nobody can tell a log whose end was cut off from a younger one.
 */
export async function verifyAudit(
  db: Database,
  keys: readonly AuditPublicKey[],
  head: AuditHead | null,
): Promise<AuditVerdict> {
  return db.transaction(
    async (tx) => {
      const verdict: AuditVerdict = { head: null, seals: 0, rows: 0, unsealedRows: 0, faults: [] };
      const walk: Walk = {
        last: null,
        before: null,
        atHead: null,
        keyId: null,
        retiredKeys: new Set(),
        checkpoint: null,
      };
      for (;;) {
        const seals = await listSeals(tx, walk.last?.seq ?? 0, SEALS_AT_ONCE);
        for (const seal of seals) await checkSeal(tx, seal, { keys, walk, verdict, head });
        if (seals.length < SEALS_AT_ONCE) break;
      }
      verdict.head = walk.last && { seq: walk.last.seq, hash: walk.last.hash };
      checkBeginning(walk, verdict);
      await checkUncoveredRows(tx, walk, verdict);
      if (head !== null) checkHead(head, walk, verdict);
      return verdict;
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

interface Check {
  keys: readonly AuditPublicKey[];
  walk: Walk;
  verdict: AuditVerdict;
  head: AuditHead | null;
}

async function checkSeal(tx: Database, seal: AuditSeal, { keys, walk, verdict, head }: Check): Promise<void> {
  const { faults } = verdict;
  const fault = (kind: AuditFault["kind"], message: string) => faults.push({ kind, message });
  const key = keys.find(({ id }) => id === seal.keyId);
  if (key === undefined)
    fault("unknown_key", `seal ${seal.seq} is signed by ${seal.keyId}, which is no known key`);
  else if (!(await key.verify(sealText(seal), seal.signature)))
    fault("seal_changed", `seal ${seal.seq} is not what was signed`);
  if (walk.keyId !== null && walk.keyId !== seal.keyId) walk.retiredKeys.add(walk.keyId);
  walk.keyId = seal.keyId;
  if (walk.retiredKeys.has(seal.keyId))
    fault(
      "retired_key",
      `seal ${seal.seq} is signed by ${seal.keyId}, which another key had replaced before`,
    );

  const firstRow = seal.firstRow ?? (walk.last?.row ?? 0) + 1;
  walk.before ??= { seq: seal.seq - 1, hash: seal.previousHash, row: firstRow - 1 };
  const previous = walk.last ?? walk.before;
  if (seal.seq !== previous.seq + 1)
    fault("seal_removed", `seals ${previous.seq + 1} to ${seal.seq - 1} are gone`);
  else if (seal.previousHash !== previous.hash)
    fault("seal_changed", `seal ${seal.seq} follows another seal ${previous.seq} than the one that is there`);
  if (seal.kind === "rows") await checkRows(tx, seal, verdict);
  else walk.checkpoint = seal;

  const hash = await hashOf(seal);
  walk.last = { seq: seal.seq, hash, row: seal.lastRow ?? previous.row };
  if (head?.seq === seal.seq) walk.atHead = hash;
  verdict.seals += 1;
}

async function checkRows(tx: Database, seal: AuditSeal, verdict: AuditVerdict): Promise<void> {
  const [first, last] = [seal.firstRow ?? 0, seal.lastRow ?? 0];
  const stored = await tx
    .select({ ...SEALED_COLUMNS, sequence: sql<string>`${auditLog.sequence}` })
    .from(auditLog)
    .where(between(auditLog.sequence, first, last))
    .orderBy(asc(auditLog.sequence));
  const rows = stored.map((row) => ({ ...row, sequence: Number(row.sequence) }));
  verdict.rows += rows.length;
  const there = new Set(rows.map(({ sequence }) => sequence));
  const gone = Array.from({ length: seal.rowCount }, (_, place) => first + place).filter(
    (sequence) => !there.has(sequence),
  );
  if (gone.length > 0) {
    verdict.faults.push({
      kind: "row_removed",
      message: `of the rows under seal ${seal.seq}, these are gone: ${gone.slice(0, 20).join(", ")}`,
    });
  } else if ((await digestRows(rows)) !== seal.digest) {
    verdict.faults.push({
      kind: "row_changed",
      message: `rows ${first} to ${last} are not those of seal ${seal.seq}`,
    });
  }
}

/** The chain begins at the beginning, or where a checkpoint says that retention has come to. */
function checkBeginning({ before, checkpoint }: Walk, { faults }: AuditVerdict): void {
  if (before === null) return;
  const start =
    checkpoint === null
      ? { seq: 0, hash: GENESIS }
      : { seq: checkpoint.removedSeal ?? 0, hash: checkpoint.digest };
  if (before.seq === start.seq && before.hash === start.hash) return;
  faults.push({
    kind: "seal_removed",
    message: `the chain begins after seal ${before.seq}, and should begin after ${start.seq}`,
  });
}

/** Numbers are given by sealing: a numbered row without a seal came in another way. */
async function checkUncoveredRows(tx: Database, walk: Walk, verdict: AuditVerdict): Promise<void> {
  const lastRow = walk.last?.row ?? 0;
  const firstRow = (walk.checkpoint?.removedThrough ?? 0) + 1;
  const uncovered = await tx
    .select({ id: auditLog.id })
    .from(auditLog)
    .where(sql`${auditLog.sequence} > ${lastRow} or ${auditLog.sequence} < ${firstRow}`)
    .limit(20);
  if (uncovered.length > 0) {
    verdict.faults.push({
      kind: "row_inserted",
      message: `no seal covers the numbered rows ${uncovered.map(({ id }) => id).join(", ")}`,
    });
  }
  const [unsealed] = await tx.select({ count: count() }).from(auditLog).where(isNull(auditLog.sequence));
  verdict.unsealedRows = unsealed?.count ?? 0;
}

function checkHead(head: AuditHead, { last, atHead, checkpoint }: Walk, { faults }: AuditVerdict): void {
  if (head.seq > (last?.seq ?? 0)) {
    const end = last === null ? "is empty" : `ends at seal ${last.seq}`;
    faults.push({ kind: "tail_cut", message: `the log had come to seal ${head.seq}, and ${end}` });
    return;
  }
  // Retention has removed the seal, as a signed checkpoint says.
  if (atHead === null && head.seq < (checkpoint?.removedSeal ?? 0)) return;
  const found = head.seq === checkpoint?.removedSeal ? checkpoint.digest : atHead;
  if (found !== head.hash)
    faults.push({ kind: "rewritten", message: `seal ${head.seq} is another one than the one that was kept` });
}

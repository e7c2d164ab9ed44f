import { sha256Hex } from "./bytes.ts";

/** A row of the audit log as it is sealed: every column, in this order. */
export interface SealedRow {
  sequence: number;
  id: string;
  accountId: string | null;
  actorKind: string;
  actorId: string | null;
  action: string;
  target: string | null;
  outcome: string;
  ip: string | null;
  requestId: string | null;
  /** As the database spells it. */
  detail: string;
  createdAt: Date;
}

/** What a seal says, before it is signed. */
export interface SealContent {
  seq: number;
  kind: "rows" | "checkpoint";
  firstRow: number | null;
  lastRow: number | null;
  rowCount: number;
  removedSeal: number | null;
  removedThrough: number | null;
  /** Of the rows; of a checkpoint, the hash of the last seal that was removed. */
  digest: string;
  previousHash: string;
  createdAt: Date;
  keyId: string;
}

/** Before the first seal. */
export const GENESIS = "0".repeat(64);

/** Over rows in the order of their numbers. */
export async function digestRows(rows: readonly SealedRow[]): Promise<string> {
  const hashes = await Promise.all(rows.map((row) => sha256Hex(rowText(row))));
  return sha256Hex(hashes.join("\n"));
}

function rowText({ createdAt, ...row }: SealedRow): string {
  const { sequence, id, accountId, actorKind, actorId, action, target, outcome, ip, requestId, detail } = row;
  const act = [accountId, actorKind, actorId, action, target, outcome, ip, requestId, detail];
  return JSON.stringify(["earshot audit row 1", sequence, id, act, createdAt.getTime()]);
}

/** The very text that is signed and, hashed, begins the next seal. */
export function sealText({ createdAt, ...seal }: SealContent): string {
  const { seq, kind, firstRow, lastRow, rowCount, removedSeal, removedThrough, digest, previousHash, keyId } =
    seal;
  const covered = [kind, firstRow, lastRow, rowCount, removedSeal, removedThrough, digest];
  return JSON.stringify(["earshot audit seal 1", seq, covered, previousHash, createdAt.getTime(), keyId]);
}

/** How far the log had come: which seal was the last, and its hash. It is kept where the database can't reach. */
export interface AuditHead {
  seq: number;
  hash: string;
}

export function formatHead({ seq, hash }: AuditHead): string {
  return `${seq}:${hash}`;
}

/** Null when it is no head. */
export function parseHead(text: string): AuditHead | null {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return seq === undefined || hash === undefined ? null : { seq: Number(seq), hash };
}

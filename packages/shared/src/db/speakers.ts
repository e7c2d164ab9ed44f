import { and, count, desc, eq, getTableColumns, sql } from "drizzle-orm";
import { fromBase64, toBase64 } from "../crypto/bytes.ts";
import { newId } from "../crypto/ids.ts";
import type { SealKeys } from "../crypto/seal.ts";
import { seal, unseal } from "../crypto/seal.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Database } from "./database.ts";
import { speakers } from "./schema.ts";

function shown() {
  const { embeddingSealed: _sealed, ...columns } = getTableColumns(speakers);
  return columns;
}

/** An enrolled speaker, without their voice. */
export type Speaker = Omit<typeof speakers.$inferSelect, "embeddingSealed">;

type NewSpeaker = Omit<Speaker, "id" | "createdAt"> & { embedding: readonly number[] };

/** @returns null when the account has as many as it may have. */
export async function insertSpeaker(
  tx: Database,
  sealKeys: SealKeys,
  { embedding, ...input }: NewSpeaker,
): Promise<Speaker | null> {
  // To the end of the transaction: two requests at once must not both be the last.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`speakers ${input.accountId}`}, 0))`);
  const [here] = await tx
    .select({ count: count() })
    .from(speakers)
    .where(eq(speakers.accountId, input.accountId));
  if ((here?.count ?? 0) >= LIMITS.speakers) return null;
  const id = newId("speaker");
  const embeddingSealed = await seal(sealKeys, textOf(embedding), id);
  const [speaker] = await tx
    .insert(speakers)
    .values({ ...input, id, embeddingSealed })
    .returning(shown());
  return speaker ?? null;
}

/** The account's, the newest first; there are LIMITS.speakers at most. */
export async function listSpeakers(db: Database, accountId: string): Promise<Speaker[]> {
  return db
    .select(shown())
    .from(speakers)
    .where(eq(speakers.accountId, accountId))
    .orderBy(desc(speakers.createdAt), desc(speakers.id));
}

export async function findSpeaker(db: Database, accountId: string, id: string): Promise<Speaker | null> {
  const [speaker] = await db.select(shown()).from(speakers).where(isOwn(accountId, id));
  return speaker ?? null;
}

/** Their voice, a vector of length 1. @returns null when there is no such speaker. */
export async function openVoice(
  db: Database,
  sealKeys: SealKeys,
  accountId: string,
  id: string,
): Promise<Float32Array | null> {
  const [row] = await db
    .select({ sealed: speakers.embeddingSealed })
    .from(speakers)
    .where(isOwn(accountId, id));
  return row === undefined ? null : vectorOf(await unseal(sealKeys, row.sealed, id));
}

/** The row and the voice in it. @returns false when there is no such speaker. */
export async function deleteSpeaker(db: Database, accountId: string, id: string): Promise<boolean> {
  const deleted = await db.delete(speakers).where(isOwn(accountId, id)).returning({ id: speakers.id });
  return deleted.length > 0;
}

function isOwn(accountId: string, id: string) {
  return and(eq(speakers.accountId, accountId), eq(speakers.id, id));
}

/** Float32 in base64: a third of what its digits would take. */
function textOf(embedding: readonly number[]): string {
  return toBase64(new Uint8Array(Float32Array.from(embedding).buffer));
}

function vectorOf(text: string): Float32Array {
  return new Float32Array(fromBase64(text).buffer);
}

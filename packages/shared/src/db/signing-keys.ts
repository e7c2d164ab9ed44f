import { and, desc, eq, gt, isNull, lte, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import { LONGEST_TOKEN_SECONDS } from "../crypto/access-tokens.ts";
import type { SealKeys } from "../crypto/seal.ts";
import { newSigningKey } from "../crypto/signing-keys.ts";
import type { SigningAlgorithm, SigningKey } from "../crypto/signing-keys.ts";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { signingKeys } from "./schema.ts";

export type SigningKeyRow = typeof signingKeys.$inferSelect;

/** So long is a key published before it signs: twice as long as anybody may cache the set. */
export const PUBLISHED_AHEAD_SECONDS = 600;

/** After it signs no more: until its last token has expired, with room for clocks and for a transaction under way. */
const PUBLISHED_AFTER_SECONDS = LONGEST_TOKEN_SECONDS + 120;

// Not the transaction's: one that waited for another's key would not see that it signs already.
const CLOCK = sql`clock_timestamp()`;

const isLive = () => isNull(signingKeys.revokedAt);

/** When the newest key that signs, or did by `moment`, began. */
function newestBy(moment: SQL) {
  return sql`(select max(k.signs_from) from signing_keys k where k.revoked_at is null and k.signs_from <= ${moment})`;
}

/** Not revoked, and not replaced for longer than a token lives. Those that will sign are among them. */
const isPublished = () =>
  and(
    isLive(),
    sql`${signingKeys.signsFrom} >= coalesce(${newestBy(fromNow(-PUBLISHED_AFTER_SECONDS))}, '-infinity')`,
  );

export function listPublishedKeys(db: Database): Promise<SigningKeyRow[]> {
  return db.select().from(signingKeys).where(isPublished()).orderBy(desc(signingKeys.signsFrom));
}

/** All of them, for whoever looks after them. */
export function listSigningKeys(db: Database): Promise<SigningKeyRow[]> {
  return db.select().from(signingKeys).orderBy(desc(signingKeys.signsFrom));
}

/** The published key of this id: what a token may be signed by. */
export async function findPublishedKey(db: Database, kid: string): Promise<SigningKeyRow | null> {
  const [key] = await db
    .select()
    .from(signingKeys)
    .where(and(eq(signingKeys.kid, kid), isPublished()));
  return key ?? null;
}

/** The key that signs now. The first one is made when it is first needed. */
export async function requireSigner(
  db: Database,
  sealKeys: SealKeys,
  algorithm: SigningAlgorithm,
): Promise<SigningKey> {
  return (await findSigner(db)) ?? makeFirst(db, sealKeys, algorithm);
}

async function findSigner(db: Database): Promise<SigningKeyRow | null> {
  const [key] = await db
    .select()
    .from(signingKeys)
    .where(and(isLive(), lte(signingKeys.signsFrom, CLOCK)))
    .orderBy(desc(signingKeys.signsFrom), desc(signingKeys.kid))
    .limit(1);
  return key ?? null;
}

async function makeFirst(
  db: Database,
  sealKeys: SealKeys,
  algorithm: SigningAlgorithm,
): Promise<SigningKeyRow> {
  return db.transaction(async (tx) => {
    await lockRotation(tx);
    return (await findSigner(tx)) ?? insertKey(tx, sealKeys, { algorithm, aheadSeconds: 0 });
  });
}

export type SigningRotation =
  | { outcome: "rotated"; key: SigningKeyRow }
  | { outcome: "under_way"; kid: string };

/**
 * Makes the next key: published now, signing `aheadSeconds` from now. Tokens of the one before stay good until they
 * expire. Refused while an earlier rotation has yet to take effect. Call it in a transaction.
 */
export async function rotateSigningKey(
  tx: Database,
  sealKeys: SealKeys,
  options: { algorithm: SigningAlgorithm; aheadSeconds: number },
): Promise<SigningRotation> {
  await lockRotation(tx);
  const [next] = await tx
    .select({ kid: signingKeys.kid })
    .from(signingKeys)
    .where(and(isLive(), gt(signingKeys.signsFrom, CLOCK)));
  if (next !== undefined) return { outcome: "under_way", kid: next.kid };
  return { outcome: "rotated", key: await insertKey(tx, sealKeys, options) };
}

/** Ends a key and every token of it. @returns false when there is no such live key. */
export async function revokeSigningKey(db: Database, kid: string): Promise<boolean> {
  const revoked = await db
    .update(signingKeys)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(signingKeys.kid, kid), isLive()))
    .returning({ kid: signingKeys.kid });
  return revoked.length > 0;
}

async function insertKey(
  tx: Database,
  sealKeys: SealKeys,
  { algorithm, aheadSeconds }: { algorithm: SigningAlgorithm; aheadSeconds: number },
): Promise<SigningKeyRow> {
  const key = await newSigningKey(algorithm, sealKeys);
  const [row] = await tx
    .insert(signingKeys)
    // The column rounds to milliseconds, and must not round into the future.
    .values({ ...key, signsFrom: sql`date_trunc('milliseconds', ${fromNow(aheadSeconds)})` })
    .returning();
  if (row === undefined) throw new Error("an insert answered no row");
  return row;
}

/** Two that rotate at once would make two keys. */
async function lockRotation(tx: Database): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('earshot signing keys'))`);
}

import { and, desc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { newId } from "../crypto/ids.ts";
import type { SigningAlgorithm } from "../crypto/signing-keys.ts";
import { fromNow, nowAt } from "./clock.ts";
import type { Database } from "./database.ts";
import { accounts, boxAssertions, boxEnrolments, boxes } from "./schema.ts";

/** A machine that does the work. */
export type Box = typeof boxes.$inferSelect;

/** How long a person has to carry the code to the box. */
const ENROLMENT_SECONDS = 900;
/** Longer than any assertion lives, whoever's clock is ahead. */
const REMEMBERED = sql`now() - interval '10 minutes'`;

/** Whether the account runs this installation, and may let in machines that work for all. */
export async function isOperator(db: Database, accountId: string): Promise<boolean> {
  const [row] = await db.select({ is: accounts.isOperator }).from(accounts).where(eq(accounts.id, accountId));
  return row?.is ?? false;
}

export interface NewEnrolment {
  codeHash: string;
  name: string;
  accountId: string;
  createdBy: string;
}

/** @returns when its code stops being good. */
export async function insertEnrolment(db: Database, enrolment: NewEnrolment): Promise<Date> {
  await db.delete(boxEnrolments).where(lt(boxEnrolments.expiresAt, sql`now() - interval '1 day'`));
  const [row] = await db
    .insert(boxEnrolments)
    .values({ ...enrolment, expiresAt: fromNow(ENROLMENT_SECONDS) })
    .returning({ expiresAt: boxEnrolments.expiresAt });
  if (row === undefined) throw new Error("an insert answered no row");
  return row.expiresAt;
}

/** Takes the code, which is good once, and registers the box's key; null when the code is none. Call it in a transaction. */
export async function enrolBox(
  tx: Database,
  codeHash: string,
  key: { algorithm: SigningAlgorithm; publicJwk: string },
): Promise<Box | null> {
  const [enrolment] = await tx
    .update(boxEnrolments)
    .set({ usedAt: sql`now()` })
    .where(
      and(
        eq(boxEnrolments.codeHash, codeHash),
        isNull(boxEnrolments.usedAt),
        gt(boxEnrolments.expiresAt, nowAt()),
      ),
    )
    .returning({ name: boxEnrolments.name, accountId: boxEnrolments.accountId });
  if (enrolment === undefined) return null;
  const [box] = await tx
    .insert(boxes)
    .values({ id: newId("box"), ...enrolment, ...key })
    .returning();
  return box ?? null;
}

/** Of any account: a box proves itself by its key. Null for one that was revoked, too. */
export async function findLiveBox(db: Database, id: string): Promise<Box | null> {
  const [box] = await db
    .select()
    .from(boxes)
    .where(and(eq(boxes.id, id), isNull(boxes.revokedAt)));
  return box ?? null;
}

export async function findBox(db: Database, accountId: string, id: string): Promise<Box | null> {
  const [box] = await db
    .select()
    .from(boxes)
    .where(and(eq(boxes.id, id), eq(boxes.accountId, accountId)));
  return box ?? null;
}

/** The newest first. `after`: the last id of the page before. */
export async function listBoxes(
  db: Database,
  accountId: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ boxes: Box[]; hasMore: boolean }> {
  const found = await db
    .select()
    .from(boxes)
    .where(and(eq(boxes.accountId, accountId), after === null ? undefined : lt(boxes.id, after)))
    .orderBy(desc(boxes.id))
    .limit(limit + 1);
  return { boxes: found.slice(0, limit), hasMore: found.length > limit };
}

/** @returns false when it was used before, on whichever server. An error means that nobody knows: let nobody in. */
export async function useAssertion(db: Database, boxId: string, jti: string): Promise<boolean> {
  await db
    .delete(boxAssertions)
    .where(and(eq(boxAssertions.boxId, boxId), lt(boxAssertions.usedAt, REMEMBERED)));
  const used = await db
    .insert(boxAssertions)
    .values({ boxId, jti })
    .onConflictDoNothing()
    .returning({ jti: boxAssertions.jti });
  return used.length > 0;
}

/**
 * Gives the box's own database login a new password; the one before is worth nothing from then on.
 * @param verifier of the password, by `scramVerifier`.
 * @returns the login's name. @throws when the box was revoked meanwhile.
 */
export async function openBoxLogin(
  tx: Database,
  boxId: string,
  { verifier, validUntil }: { verifier: string; validUntil: Date },
): Promise<string> {
  const [row] = await tx.execute<{ login: string }>(
    sql`select open_box_login(${boxId}, ${verifier}, ${validUntil.toISOString()}::timestamptz) as login`,
  );
  if (row === undefined) throw new Error("a function answered no row");
  await tx
    .update(boxes)
    .set({ lastSeenAt: sql`now()` })
    .where(eq(boxes.id, boxId));
  return row.login;
}

/** Ends its login, its privileges and its sessions. @returns false when that was done before. */
export async function revokeBox(tx: Database, boxId: string): Promise<boolean> {
  const [row] = await tx.execute<{ revoked: boolean }>(sql`select revoke_box(${boxId}) as revoked`);
  return row?.revoked ?? false;
}

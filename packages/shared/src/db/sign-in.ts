import { and, asc, eq, isNull, sql } from "drizzle-orm";
import type { Role } from "../domain/scopes.ts";
import type { Database } from "./database.ts";
import { createUser, invited, isOpen } from "./members.ts";
import type { Invitation } from "./members.ts";
import { identities, invitations, memberships, users } from "./schema.ts";

const taken = () => ({ ...invited(), accountId: invitations.accountId });

/** The accounts that somebody is in, the oldest membership first. */
export async function membershipsOf(
  db: Database,
  userId: string,
): Promise<{ accountId: string; role: Role }[]> {
  return db
    .select({ accountId: memberships.accountId, role: memberships.role })
    .from(memberships)
    .where(eq(memberships.userId, userId))
    .orderBy(asc(memberships.createdAt), asc(memberships.accountId));
}

export interface TakenInvitation extends Invitation {
  accountId: string;
}

/** Ends the open invitation of this secret and answers it: it is taken once. Null: there is none. */
export async function takeInvitation(tx: Database, tokenHash: string): Promise<TakenInvitation | null> {
  const [row] = await tx
    .update(invitations)
    .set({ endedAt: sql`now()` })
    .where(and(eq(invitations.tokenHash, tokenHash), isOpen()))
    .returning(taken());
  return row ?? null;
}

/** The same of all that wait for an address which an issuer vouches for; in one account, where the issuer is its own. */
export async function takeInvitationsFor(
  tx: Database,
  email: string,
  accountId: string | null,
): Promise<TakenInvitation[]> {
  return tx
    .update(invitations)
    .set({ endedAt: sql`now()` })
    .where(
      and(
        eq(invitations.email, email),
        isOpen(),
        accountId === null ? undefined : eq(invitations.accountId, accountId),
      ),
    )
    .returning(taken());
}

/** Ends every open invitation of a first owner. */
export async function withdrawFirstInvitations(db: Database, accountId: string): Promise<void> {
  await db
    .update(invitations)
    .set({ endedAt: sql`now()` })
    .where(and(eq(invitations.accountId, accountId), isNull(invitations.email), isNull(invitations.endedAt)));
}

export async function hasMembers(db: Database, accountId: string): Promise<boolean> {
  const found = await db
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(eq(memberships.accountId, accountId))
    .limit(1);
  return found.length > 0;
}

/** Who signs in with a password by this address; the caller must hash in every case. */
export async function findUserWithPassword(
  db: Database,
  email: string,
): Promise<{ id: string; passwordHash: string | null } | null> {
  const [user] = await db
    .select({ id: users.id, passwordHash: users.passwordHash })
    .from(users)
    .where(and(eq(users.email, email), sql`${users.passwordHash} is not null`));
  return user ?? null;
}

/** The user of an identity at an issuer, made at his first coming. Two that come at once are one. */
export async function userOfIdentity(
  tx: Database,
  identity: { issuer: string; subject: string; email: string; name: string | null },
): Promise<string> {
  const { issuer, subject, email, name } = identity;
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`identity ${issuer} ${subject}`}, 0))`,
  );
  const [known] = await tx
    .select({ userId: identities.userId })
    .from(identities)
    .where(and(eq(identities.issuer, issuer), eq(identities.subject, subject)));
  if (known !== undefined) {
    await tx.update(users).set({ email, name }).where(eq(users.id, known.userId));
    return known.userId;
  }
  const userId = await createUser(tx, { email, name, passwordHash: null });
  if (userId === null) throw new Error("a user without a password has no rival");
  await tx.insert(identities).values({ issuer, subject, userId });
  return userId;
}

import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import { newId } from "../crypto/ids.ts";
import type { Role } from "../domain/scopes.ts";
import { revokeKeysBeyond } from "./api-keys.ts";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { invitations, memberships, users } from "./schema.ts";
import { revokeSessionsOf } from "./sessions.ts";

export interface Member {
  userId: string;
  email: string;
  name: string | null;
  role: Role;
  createdAt: Date;
}

const shown = () => ({
  userId: memberships.userId,
  email: users.email,
  name: users.name,
  role: memberships.role,
  createdAt: memberships.createdAt,
});

/** Who is in an account, by id. */
export async function listMembers(
  db: Database,
  accountId: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ members: Member[]; hasMore: boolean }> {
  const found = await db
    .select(shown())
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(
      and(eq(memberships.accountId, accountId), after === null ? undefined : gt(memberships.userId, after)),
    )
    .orderBy(asc(memberships.userId))
    .limit(limit + 1);
  return { members: found.slice(0, limit), hasMore: found.length > limit };
}

export async function findMember(db: Database, accountId: string, userId: string): Promise<Member | null> {
  const [member] = await db
    .select(shown())
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.accountId, accountId), eq(memberships.userId, userId)));
  return member ?? null;
}

type Verdict = "changed" | "unchanged" | "no_member" | "last_owner";

export interface MemberChange {
  outcome: Verdict;
  /** Ids of his keys that were revoked with it. */
  revokedKeys: string[];
}

/**
 * Gives a member another role, and ends his sessions and what keys of his may do more: nobody goes on as what he was. Call it in
 * a transaction.
 */
export async function changeRole(
  tx: Database,
  accountId: string,
  userId: string,
  role: Role,
): Promise<MemberChange> {
  const outcome = await judge(tx, accountId, userId, role);
  if (outcome !== "changed") return { outcome, revokedKeys: [] };
  await tx
    .update(memberships)
    .set({ role })
    .where(and(eq(memberships.accountId, accountId), eq(memberships.userId, userId)));
  await revokeSessionsOf(tx, { accountId, userId });
  return { outcome, revokedKeys: await revokeKeysBeyond(tx, accountId, userId, role) };
}

/** With his sessions and keys. Call it in a transaction. */
export async function removeMember(tx: Database, accountId: string, userId: string): Promise<MemberChange> {
  const outcome = await judge(tx, accountId, userId, null);
  if (outcome !== "changed") return { outcome, revokedKeys: [] };
  await tx
    .delete(memberships)
    .where(and(eq(memberships.accountId, accountId), eq(memberships.userId, userId)));
  await revokeSessionsOf(tx, { accountId, userId });
  return { outcome, revokedKeys: await revokeKeysBeyond(tx, accountId, userId, null) };
}

/** Owners are locked while one of them changes: of two who leave at once, one stays. */
async function judge(tx: Database, accountId: string, userId: string, to: Role | null): Promise<Verdict> {
  const owners = await tx
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(and(eq(memberships.accountId, accountId), eq(memberships.role, "owner")))
    .orderBy(asc(memberships.userId))
    .for("update");
  const member = await findMember(tx, accountId, userId);
  if (member === null) return "no_member";
  if (member.role === to) return "unchanged";
  return member.role === "owner" && owners.length === 1 ? "last_owner" : "changed";
}

export interface Invitation {
  id: string;
  email: string | null;
  role: Role;
  expiresAt: Date;
}

/** Of an invitation. */
export const isOpen = () => and(isNull(invitations.endedAt), gt(invitations.expiresAt, sql`now()`));
export const invited = () => ({
  id: invitations.id,
  email: invitations.email,
  role: invitations.role,
  expiresAt: invitations.expiresAt,
});

export async function invite(
  tx: Database,
  invitation: {
    accountId: string;
    email: string | null;
    role: Role;
    tokenHash: string;
    createdBy: string;
    seconds: number;
  },
): Promise<Invitation> {
  const { seconds, ...rest } = invitation;
  const [row] = await tx
    .insert(invitations)
    .values({ ...rest, id: newId("invitation"), expiresAt: fromNow(seconds) })
    .returning(invited());
  if (row === undefined) throw new Error("an insert answered no row");
  return row;
}

export async function listInvitations(db: Database, accountId: string, limit: number): Promise<Invitation[]> {
  return db
    .select(invited())
    .from(invitations)
    .where(and(eq(invitations.accountId, accountId), isOpen()))
    .orderBy(asc(invitations.id))
    .limit(limit);
}

/** @returns false when the account has no such open invitation. */
export async function withdrawInvitation(db: Database, accountId: string, id: string): Promise<boolean> {
  const ended = await db
    .update(invitations)
    .set({ endedAt: sql`now()` })
    .where(and(eq(invitations.accountId, accountId), eq(invitations.id, id), isOpen()))
    .returning({ id: invitations.id });
  return ended.length > 0;
}

/** Makes somebody a member; whoever is one already keeps his role. */
export async function addMember(
  tx: Database,
  membership: { accountId: string; userId: string; role: Role },
): Promise<void> {
  await tx.insert(memberships).values(membership).onConflictDoNothing();
}

/** Null: an address that signs in with a password already. */
export async function createUser(
  tx: Database,
  user: { email: string; name: string | null; passwordHash: string | null },
): Promise<string | null> {
  const id = newId("user");
  const made = await tx
    .insert(users)
    .values({ ...user, id })
    .onConflictDoNothing()
    .returning({ id: users.id });
  return made[0]?.id ?? null;
}

import { and, desc, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { sha256Hex } from "../crypto/bytes.ts";
import { newId } from "../crypto/ids.ts";
import { formatSessionToken, matchSecret, newSecret } from "../crypto/session-tokens.ts";
import type { SessionToken } from "../crypto/session-tokens.ts";
import type { Role } from "../domain/scopes.ts";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { memberships, sessions } from "./schema.ts";

/** How long a session lives unused, and at all. A device keeps its token in a file of its own. */
const SESSION_LIMITS = {
  browser: { idleSeconds: 12 * 3600, seconds: 7 * 24 * 3600 },
  device: { idleSeconds: 14 * 24 * 3600, seconds: 90 * 24 * 3600 },
} as const;

/** A secret is used for so long, then replaced; the one before is good for a moment longer, for requests under way. */
const ROTATE_AFTER_SECONDS = 600;
const OVERLAP_SECONDS = 60;

export interface NewSession {
  accountId: string;
  userId: string;
  kind: keyof typeof SESSION_LIMITS;
  clientName: string | null;
  ip: string | null;
}

/** Answers its token, which is shown this once. */
export async function createSession(
  db: Database,
  session: NewSession,
): Promise<{ id: string; token: string; expiresAt: Date }> {
  const id = newId("session");
  const secret = newSecret();
  const { idleSeconds, seconds } = SESSION_LIMITS[session.kind];
  const [row] = await db
    .insert(sessions)
    .values({
      ...session,
      id,
      secretHash: await sha256Hex(secret),
      idleSeconds,
      expiresAt: fromNow(seconds),
    })
    .returning({ expiresAt: sessions.expiresAt });
  if (row === undefined) throw new Error("an insert answered no row");
  return { id, token: formatSessionToken({ sessionId: id, secret }), expiresAt: row.expiresAt };
}

export interface UsedSession {
  id: string;
  accountId: string;
  userId: string;
  role: Role;
  expiresAt: Date;
  /** In place of the one that was shown, from now on. */
  renewedToken: string | null;
}

const isLive = () => sql<boolean>`(${sessions.revokedAt} is null and ${sessions.expiresAt} > now()
  and ${sessions.lastUsedAt} > now() - make_interval(secs => ${sessions.idleSeconds}))`;

/**
 * The session behind a token, if it is live and its user a member still. One query and one hash, whatever was shown. A
 * secret that was replaced for longer than the overlap was copied by somebody: it ends the session.
 */
export async function useSession(db: Database, token: SessionToken): Promise<UsedSession | null> {
  const row = await findSession(db, token.sessionId);
  const match = await matchSecret(token.secret, row);
  if (row === null || match === "none" || !row.live || row.role === null) return null;
  if (match === "previous" && !row.inOverlap) {
    await revokeSession(db, row.accountId, row.id);
    return null;
  }
  const renewedToken = match === "current" ? await keepFresh(db, row) : null;
  const { id, accountId, userId, role, expiresAt } = row;
  return { id, accountId, userId, role, expiresAt, renewedToken };
}

async function findSession(db: Database, id: string) {
  const [row] = await db
    .select({
      id: sessions.id,
      accountId: sessions.accountId,
      userId: sessions.userId,
      secretHash: sessions.secretHash,
      previousHash: sessions.previousHash,
      expiresAt: sessions.expiresAt,
      role: memberships.role,
      live: isLive(),
      inOverlap: sql<boolean>`coalesce(${sessions.previousUntil} > now(), false)`,
      isStale: sql<boolean>`${sessions.lastUsedAt} < now() - interval '1 minute'`,
      isDue: sql<boolean>`${sessions.rotatedAt} < now() - make_interval(secs => ${ROTATE_AFTER_SECONDS})`,
    })
    .from(sessions)
    .leftJoin(
      memberships,
      and(eq(memberships.accountId, sessions.accountId), eq(memberships.userId, sessions.userId)),
    )
    .where(eq(sessions.id, id));
  return row ?? null;
}

type SessionRow = NonNullable<Awaited<ReturnType<typeof findSession>>>;

/** A new secret where one is due, at most one however many requests come at once; else the time of use, once a minute. */
async function keepFresh(db: Database, row: SessionRow): Promise<string | null> {
  if (row.isDue) {
    const secret = newSecret();
    const rotated = await db
      .update(sessions)
      .set({
        secretHash: await sha256Hex(secret),
        previousHash: row.secretHash,
        previousUntil: fromNow(OVERLAP_SECONDS),
        rotatedAt: sql`now()`,
        lastUsedAt: sql`now()`,
      })
      .where(
        and(eq(sessions.id, row.id), eq(sessions.secretHash, row.secretHash), isNull(sessions.revokedAt)),
      )
      .returning({ id: sessions.id });
    return rotated.length > 0 ? formatSessionToken({ sessionId: row.id, secret }) : null;
  }
  if (row.isStale)
    await db
      .update(sessions)
      .set({ lastUsedAt: sql`now()` })
      .where(eq(sessions.id, row.id));
  return null;
}

export interface SessionInfo {
  id: string;
  kind: "browser" | "device";
  clientName: string | null;
  ip: string | null;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
}

/** The live ones of a user in an account, the newest first. */
export async function listSessions(
  db: Database,
  { accountId, userId }: { accountId: string; userId: string },
  { after, limit }: { after: string | null; limit: number },
): Promise<{ sessions: SessionInfo[]; hasMore: boolean }> {
  const found = await db
    .select({
      id: sessions.id,
      kind: sessions.kind,
      clientName: sessions.clientName,
      ip: sessions.ip,
      createdAt: sessions.createdAt,
      lastUsedAt: sessions.lastUsedAt,
      expiresAt: sessions.expiresAt,
    })
    .from(sessions)
    .where(
      and(
        eq(sessions.accountId, accountId),
        eq(sessions.userId, userId),
        isLive(),
        after === null ? undefined : lt(sessions.id, after),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(limit + 1);
  return { sessions: found.slice(0, limit), hasMore: found.length > limit };
}

/** @param userId of whom it must be; anybody's of the account without it. @returns false when there is no such live one. */
export async function revokeSession(
  db: Database,
  accountId: string,
  id: string,
  userId?: string,
): Promise<boolean> {
  const revoked = await db
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(sessions.id, id),
        eq(sessions.accountId, accountId),
        isNull(sessions.revokedAt),
        userId === undefined ? undefined : eq(sessions.userId, userId),
      ),
    )
    .returning({ id: sessions.id });
  return revoked.length > 0;
}

/** Ends all that a user has open in an account: he is no member any more, or another one than he was. */
export async function revokeSessionsOf(
  tx: Database,
  { accountId, userId }: { accountId: string; userId: string },
): Promise<void> {
  await tx
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(sessions.accountId, accountId),
        eq(sessions.userId, userId),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, sql`now()`),
      ),
    );
}

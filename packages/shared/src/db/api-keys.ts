import type { SQL } from "drizzle-orm";
import { and, desc, eq, getTableColumns, inArray, isNull, lt, or, sql } from "drizzle-orm";
import type { NewApiKey } from "../crypto/api-keys.ts";
import { newId } from "../crypto/ids.ts";
import type { AllowedModels } from "../domain/allowed-models.ts";
import { allowsAll, ROLE_SCOPES } from "../domain/scopes.ts";
import type { Role } from "../domain/scopes.ts";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { accounts, apiKeys } from "./schema.ts";

/** What may be shown of a key: its row without the hash. */
export type ApiKey = Omit<typeof apiKeys.$inferSelect, "secretHash">;

function shown() {
  const { secretHash: _, ...columns } = getTableColumns(apiKeys);
  return columns;
}

export interface NewApiKeyRow {
  accountId: string;
  name: string;
  scopes: string[];
  expiresAt: Date | SQL<Date> | null;
  key: NewApiKey;
  ipAllowList?: string[];
  requestsPerMinute?: number | null;
  createdBy?: string;
  /** The person who asked for it, by a session or by a key of his. */
  madeFor?: string | null | undefined;
  rotatedFrom?: string;
}

export async function insertApiKey(db: Database, input: NewApiKeyRow): Promise<ApiKey> {
  const { key, ...rest } = input;
  const [row] = await db
    .insert(apiKeys)
    .values({ ...rest, id: newId("apiKey"), prefix: key.prefix, secretHash: key.secretHash })
    .returning(shown());
  if (row === undefined) throw new Error("an insert answered no row");
  return row;
}

const isUsable = () =>
  sql<boolean>`(${apiKeys.revokedAt} is null and (${apiKeys.expiresAt} is null or ${apiKeys.expiresAt} > now()))`;

/** A key with what proves it, and what its account may use. */
type FoundApiKey = ApiKey & { secretHash: string; usable: boolean; allowedModels: AllowedModels };

/** The row behind a prefix, revoked or expired ones too: the caller must compare the hash in every case. */
export async function findApiKeyByPrefix(db: Database, prefix: string): Promise<FoundApiKey | null> {
  const [row] = await db
    .select({
      ...shown(),
      secretHash: apiKeys.secretHash,
      usable: isUsable(),
      allowedModels: accounts.allowedModels,
    })
    .from(apiKeys)
    .innerJoin(accounts, eq(accounts.id, apiKeys.accountId))
    .where(eq(apiKeys.prefix, prefix));
  return row ?? null;
}

export async function findApiKey(db: Database, accountId: string, id: string): Promise<ApiKey | null> {
  const [row] = await db.select(shown()).from(apiKeys).where(ofAccount(accountId, id));
  return row ?? null;
}

/** The newest first. `after`: the last id of the page before. */
export async function listApiKeys(
  db: Database,
  accountId: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ keys: ApiKey[]; hasMore: boolean }> {
  const found = await db
    .select(shown())
    .from(apiKeys)
    .where(and(eq(apiKeys.accountId, accountId), after === null ? undefined : lt(apiKeys.id, after)))
    .orderBy(desc(apiKeys.id))
    .limit(limit + 1);
  return { keys: found.slice(0, limit), hasMore: found.length > limit };
}

/** @returns its id, or null when the account has no such live key. */
export async function revokeApiKey(
  db: Database,
  accountId: string,
  idOrPrefix: string,
): Promise<string | null> {
  const revoked = await db
    .update(apiKeys)
    .set({ revokedAt: sql`now()` })
    .where(and(ofAccount(accountId, idOrPrefix), isNull(apiKeys.revokedAt)))
    .returning({ id: apiKeys.id });
  return revoked[0]?.id ?? null;
}

/**
 * Revokes a member's keys that may do more than he does, all of them once he is none: what he has made he knows. Those that
 * somebody else has rotated since are not his any more.
 * @returns their ids
 */
export async function revokeKeysBeyond(
  tx: Database,
  accountId: string,
  userId: string,
  role: Role | null,
): Promise<string[]> {
  const live = await tx
    .select({ id: apiKeys.id, scopes: apiKeys.scopes })
    .from(apiKeys)
    .where(and(eq(apiKeys.accountId, accountId), eq(apiKeys.madeFor, userId), isNull(apiKeys.revokedAt)))
    .for("update");
  const beyond = live
    .filter(({ scopes }) => role === null || !allowsAll(ROLE_SCOPES[role], scopes))
    .map(({ id }) => id);
  if (beyond.length === 0) return [];
  await tx
    .update(apiKeys)
    .set({ revokedAt: sql`now()` })
    .where(inArray(apiKeys.id, beyond));
  return beyond;
}

/** How a key is replaced. The new one lives as long as the old one was meant to, unless `expiresAt` says otherwise. */
export interface Rotation {
  graceSeconds: number;
  expiresAt?: Date | null;
  key: NewApiKey;
  createdBy?: string;
  /** Whose it is from then on; without it, whose the old one was. */
  madeFor?: string | undefined;
}

export type Rotated =
  | { outcome: "rotated"; key: ApiKey; old: ApiKey }
  | { outcome: "not_live" }
  | { outcome: "rotated_already"; successorId: string };

/**
 * Makes a key that may do what the old one may; the old one ends with its grace, or earlier if it would have. Call it in
 * a transaction.
 */
export async function rotateApiKey(
  tx: Database,
  accountId: string,
  idOrPrefix: string,
  { graceSeconds, madeFor: rotatedFor, ...rotation }: Rotation,
): Promise<Rotated> {
  const [old] = await tx
    .select(shown())
    .from(apiKeys)
    .where(and(ofAccount(accountId, idOrPrefix), isUsable()))
    .for("update");
  if (old === undefined) return { outcome: "not_live" };
  const [successor] = await tx
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(eq(apiKeys.rotatedFrom, old.id));
  if (successor !== undefined) return { outcome: "rotated_already", successorId: successor.id };
  const { name, scopes, ipAllowList, requestsPerMinute, id: rotatedFrom } = old;
  const madeFor = rotatedFor ?? old.madeFor;
  const kept = { accountId, name, scopes, ipAllowList, requestsPerMinute, madeFor, rotatedFrom };
  const key = await insertApiKey(tx, { ...kept, expiresAt: sameLifetime(old), ...rotation });
  await tx
    .update(apiKeys)
    .set({ expiresAt: sql`least(${apiKeys.expiresAt}, ${fromNow(graceSeconds)})` })
    .where(eq(apiKeys.id, old.id));
  return { outcome: "rotated", key, old };
}

function sameLifetime({ createdAt, expiresAt }: ApiKey) {
  return expiresAt === null ? null : fromNow((expiresAt.getTime() - createdAt.getTime()) / 1000);
}

/** At most one write a minute and key: this runs on every request. */
export async function touchApiKey(db: Database, id: string): Promise<void> {
  const stale = or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, sql`now() - interval '1 minute'`));
  await db
    .update(apiKeys)
    .set({ lastUsedAt: sql`now()` })
    .where(and(eq(apiKeys.id, id), stale));
}

function ofAccount(accountId: string, idOrPrefix: string) {
  return and(
    eq(apiKeys.accountId, accountId),
    or(eq(apiKeys.id, idOrPrefix), eq(apiKeys.prefix, idOrPrefix)),
  );
}

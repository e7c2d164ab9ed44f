import { and, desc, eq, isNull, lt, or, sql } from "drizzle-orm";
import type { NewApiKey } from "../crypto/api-keys.ts";
import { newId } from "../crypto/ids.ts";
import type { Database } from "./database.ts";
import { apiKeys } from "./schema.ts";

export type ApiKey = typeof apiKeys.$inferSelect;

export async function insertApiKey(
  db: Database,
  input: { accountId: string; name: string; scopes: string[]; expiresAt: Date | null; key: NewApiKey },
): Promise<string> {
  const { key, ...rest } = input;
  const id = newId("apiKey");
  await db.insert(apiKeys).values({ ...rest, id, prefix: key.prefix, secretHash: key.secretHash });
  return id;
}

/** The row behind a prefix, revoked or expired ones too: the caller must compare the hash in every case. */
export async function findApiKey(
  db: Database,
  prefix: string,
): Promise<(ApiKey & { usable: boolean }) | null> {
  const [row] = await db
    .select({
      key: apiKeys,
      usable: sql<boolean>`${apiKeys.revokedAt} is null and (${apiKeys.expiresAt} is null or ${apiKeys.expiresAt} > now())`,
    })
    .from(apiKeys)
    .where(eq(apiKeys.prefix, prefix));
  return row ? { ...row.key, usable: row.usable } : null;
}

export async function listApiKeys(db: Database, accountId: string): Promise<ApiKey[]> {
  return db.select().from(apiKeys).where(eq(apiKeys.accountId, accountId)).orderBy(desc(apiKeys.createdAt));
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
    .where(
      and(
        eq(apiKeys.accountId, accountId),
        or(eq(apiKeys.id, idOrPrefix), eq(apiKeys.prefix, idOrPrefix)),
        isNull(apiKeys.revokedAt),
      ),
    )
    .returning({ id: apiKeys.id });
  return revoked[0]?.id ?? null;
}

/** At most one write a minute and key: this runs on every request. */
export async function touchApiKey(db: Database, id: string): Promise<void> {
  const stale = or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, sql`now() - interval '1 minute'`));
  await db
    .update(apiKeys)
    .set({ lastUsedAt: sql`now()` })
    .where(and(eq(apiKeys.id, id), stale));
}

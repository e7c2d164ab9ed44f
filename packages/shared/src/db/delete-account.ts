import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { accounts } from "./schema.ts";

/** Its owner's word. @returns false when it was said before. The credentials are dead with it; the sweep does the rest. */
export async function deleteAccount(tx: Database, accountId: string): Promise<boolean> {
  const marked = await tx
    .update(accounts)
    .set({ deletedAt: sql`now()` })
    .where(sql`${accounts.id} = ${accountId} and ${accounts.deletedAt} is null`)
    .returning({ id: accounts.id });
  await tx.execute(
    sql`update api_keys set revoked_at = now() where account_id = ${accountId} and revoked_at is null`,
  );
  await tx.execute(
    sql`update sessions set revoked_at = now() where account_id = ${accountId} and revoked_at is null`,
  );
  return marked.length > 0;
}

import { asc, eq, isNull, sql } from "drizzle-orm";
import { newId } from "../crypto/ids.ts";
import type { SealKeys } from "../crypto/seal.ts";
import { seal, unseal } from "../crypto/seal.ts";
import { newWebhookSecret } from "../crypto/webhook-signatures.ts";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { accounts } from "./schema.ts";

/**
 * Every account has a signing secret from its creation. It is returned this once. The first account is the operator's: it
 * may let machines in, which work for all.
 */
export async function createAccount(
  db: Database,
  sealKeys: SealKeys,
  name: string,
): Promise<{ id: string; webhookSecret: string }> {
  const id = newId("account");
  const webhookSecret = newWebhookSecret();
  await db.insert(accounts).values({
    id,
    name,
    webhookSecretSealed: await seal(sealKeys, webhookSecret, id),
    isOperator: sql`not exists (select from ${accounts})`,
  });
  return { id, webhookSecret };
}

export async function findFirstAccount(db: Database): Promise<{ id: string; name: string } | null> {
  const [account] = await db
    .select({ id: accounts.id, name: accounts.name })
    .from(accounts)
    .where(isNull(accounts.deletedAt))
    .orderBy(asc(accounts.createdAt))
    .limit(1);
  return account ?? null;
}

export async function readWebhookSecret(
  db: Database,
  sealKeys: SealKeys,
  accountId: string,
): Promise<string | null> {
  const [account] = await db
    .select({ sealed: accounts.webhookSecretSealed })
    .from(accounts)
    .where(eq(accounts.id, accountId));
  return account ? unseal(sealKeys, account.sealed, accountId) : null;
}

/**
 * The old secret signs beside the new one for `graceSeconds`; one that a rotation before had left is dropped.
 * @returns until when it signs, or null when there is no such account.
 */
export async function rotateWebhookSecret(
  db: Database,
  sealKeys: SealKeys,
  request: { accountId: string; secret: string; graceSeconds: number },
): Promise<{ previousUntil: Date | null } | null> {
  const { accountId, secret, graceSeconds } = request;
  const isKept = graceSeconds > 0;
  const [rotated] = await db
    .update(accounts)
    .set({
      webhookSecretSealed: await seal(sealKeys, secret, accountId),
      previousWebhookSecretSealed: isKept ? sql`${accounts.webhookSecretSealed}` : null,
      previousWebhookSecretUntil: isKept ? fromNow(graceSeconds) : null,
    })
    .where(eq(accounts.id, accountId))
    .returning({ previousUntil: accounts.previousWebhookSecretUntil });
  return rotated ?? null;
}

export async function accountExists(db: Database, accountId: string): Promise<boolean> {
  const found = await db.select({ id: accounts.id }).from(accounts).where(eq(accounts.id, accountId));
  return found.length > 0;
}

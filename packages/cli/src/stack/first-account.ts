import { rm } from "node:fs/promises";
import { createAccount, findFirstAccount, readWebhookSecret } from "@earshot/shared/db/accounts";
import { findApiKeyByPrefix, insertApiKey } from "@earshot/shared/db/api-keys";
import type { Database } from "@earshot/shared/db/database";
import { hasMembers, withdrawFirstInvitations } from "@earshot/shared/db/sign-in";
import { invite } from "@earshot/shared/db/members";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { apiKeyMatches, newApiKey, parseApiKey } from "@earshot/shared/crypto/api-keys";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { Home } from "./home.ts";
import { readSecret, writeSecret } from "./secret-file.ts";
import { StackError } from "./stack-error.ts";

const ACCOUNT_NAME = "default";
const KEY_NAME = "first key";

/** Makes sure that there is an account, and that the home holds a key that opens it and the secret of its webhooks. */
export async function ensureFirstAccount(db: Database, home: Home, sealKeysText: string): Promise<void> {
  const sealKeys = parseSealKeys(sealKeysText);
  const accountId = (await findFirstAccount(db))?.id ?? (await createAccount(db, sealKeys, ACCOUNT_NAME)).id;
  await keepWebhookSecret(db, home, sealKeys, accountId);
  if (!(await opensAccount(db, await readSecret(home.apiKey)))) await renewApiKey(db, home, accountId);
  await keepFirstOwner(db, home, accountId);
}

const FIRST_OWNER_SECONDS = 30 * 24 * 3600;

/** Until the account has a member: a secret, new at each start, that makes one. It is good once, and never shown. */
async function keepFirstOwner(db: Database, home: Home, accountId: string): Promise<void> {
  await withdrawFirstInvitations(db, accountId);
  if (await hasMembers(db, accountId)) return rm(home.firstOwner, { force: true });
  const token = newSecret();
  await invite(db, {
    accountId,
    email: null,
    role: "owner",
    tokenHash: await sha256Hex(token),
    createdBy: "operator",
    seconds: FIRST_OWNER_SECONDS,
  });
  await writeSecret(home.firstOwner, token);
}

async function keepWebhookSecret(
  db: Database,
  home: Home,
  sealKeys: SealKeys,
  accountId: string,
): Promise<void> {
  const secret = await readWebhookSecret(db, sealKeys, accountId).catch((cause: unknown) => {
    throw new StackError(
      `${home.sealKeys} is not the file that this database's secrets were sealed with. Put the old one back.`,
      { cause },
    );
  });
  if (secret !== null && (await readSecret(home.webhookSecret)) !== secret)
    await writeSecret(home.webhookSecret, secret);
}

async function opensAccount(db: Database, key: string | null): Promise<boolean> {
  const parts = key === null ? null : parseApiKey(key);
  if (parts === null) return false;
  const row = await findApiKeyByPrefix(db, parts.prefix);
  return row !== null && row.usable && (await apiKeyMatches(parts.secret, row.secretHash));
}

async function renewApiKey(db: Database, home: Home, accountId: string): Promise<void> {
  const key = await newApiKey();
  await insertApiKey(db, { accountId, name: KEY_NAME, scopes: ["*"], expiresAt: null, key });
  await writeSecret(home.apiKey, key.key);
}

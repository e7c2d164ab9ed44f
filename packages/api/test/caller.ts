import { newApiKey } from "@earshot/shared/crypto/api-keys";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import { insertApiKey } from "@earshot/shared/db/api-keys";
import type { Database } from "@earshot/shared/db/database";

export interface Caller {
  accountId: string;
  key: string;
}

/** An account of its own, and a key to it. */
export async function newCaller(db: Database, sealKeys: SealKeys, scopes = ["*"]): Promise<Caller> {
  const { id: accountId } = await createAccount(db, sealKeys, "a test's");
  const key = await newApiKey();
  await insertApiKey(db, { accountId, name: "a test's", scopes, expiresAt: null, key });
  return { accountId, key: key.key };
}

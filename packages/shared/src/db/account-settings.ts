import { and, asc, eq, isNull } from "drizzle-orm";
import type { AllowedModels } from "../domain/allowed-models.ts";
import type { Database } from "./database.ts";
import { accounts } from "./schema.ts";

/** What an operator decides of an account. Null: without an end; of running jobs, as the worker is configured. */
export interface AccountSettings {
  maxQueuedJobs: number;
  maxRunningJobs: number | null;
  maxUploadBytesPerMonth: number | null;
  maxAudioSecondsPerMonth: number | null;
  allowedModels: AllowedModels;
}

export interface NamedSettings extends AccountSettings {
  id: string;
  name: string;
}

const shown = () => ({
  id: accounts.id,
  name: accounts.name,
  maxQueuedJobs: accounts.maxQueuedJobs,
  maxRunningJobs: accounts.maxRunningJobs,
  maxUploadBytesPerMonth: accounts.maxUploadBytesPerMonth,
  maxAudioSecondsPerMonth: accounts.maxAudioSecondsPerMonth,
  allowedModels: accounts.allowedModels,
});

/** The oldest first. */
export function listSettings(db: Database): Promise<NamedSettings[]> {
  return db
    .select(shown())
    .from(accounts)
    .where(isNull(accounts.deletedAt))
    .orderBy(asc(accounts.createdAt), asc(accounts.id));
}

/** Locks its row: call it in the transaction that changes it. */
export async function findSettings(db: Database, accountId: string): Promise<NamedSettings | null> {
  const [account] = await db.select(shown()).from(accounts).where(live(accountId)).for("update");
  return account ?? null;
}

/** @returns what it is now, or null when there is no such account. */
export async function changeSettings(
  tx: Database,
  accountId: string,
  { allowedModels, ...limits }: Partial<AccountSettings>,
): Promise<NamedSettings | null> {
  const models = allowedModels === undefined ? {} : { allowedModels: allowedModels && [...allowedModels] };
  const [account] = await tx
    .update(accounts)
    .set({ ...limits, ...models })
    .where(live(accountId))
    .returning(shown());
  return account ?? null;
}

function live(accountId: string) {
  return and(eq(accounts.id, accountId), isNull(accounts.deletedAt));
}

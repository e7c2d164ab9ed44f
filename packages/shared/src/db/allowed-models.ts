import type { SQL } from "drizzle-orm";
import { eq, sql } from "drizzle-orm";
import type { AllowedModels } from "../domain/allowed-models.ts";
import type { Database } from "./database.ts";
import { accounts } from "./schema.ts";

/** As a column of another statement, so that a submission asks no question more. */
export function allowedModelsOf(accountId: string): SQL<AllowedModels> {
  return sql<AllowedModels>`(select a.allowed_models from accounts a where a.id = ${accountId})`;
}

export async function findAllowedModels(db: Database, accountId: string): Promise<AllowedModels> {
  const [account] = await db
    .select({ allowed: accounts.allowedModels })
    .from(accounts)
    .where(eq(accounts.id, accountId));
  return account?.allowed ?? null;
}

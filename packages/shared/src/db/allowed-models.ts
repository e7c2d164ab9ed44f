import { eq } from "drizzle-orm";
import type { AllowedModels } from "../domain/allowed-models.ts";
import type { Database } from "./database.ts";
import { accounts } from "./schema.ts";

export async function findAllowedModels(db: Database, accountId: string): Promise<AllowedModels> {
  const [account] = await db
    .select({ allowed: accounts.allowedModels })
    .from(accounts)
    .where(eq(accounts.id, accountId));
  return account?.allowed ?? null;
}

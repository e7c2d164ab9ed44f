import type { Database } from "@earshot/shared/db/database";
import { audit } from "../../audit.ts";
import type { AppContext } from "../../env.ts";

/** A row for each key that ended with what its maker was. */
export async function auditRevokedKeys(
  c: AppContext,
  tx: Database,
  keyIds: readonly string[],
): Promise<void> {
  for (const target of keyIds) await audit(c, tx, { action: "api_key.revoke", target });
}

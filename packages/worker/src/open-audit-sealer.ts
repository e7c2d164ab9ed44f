import { ConfigError } from "@earshot/shared/config/config-error";
import { openAuditKey } from "@earshot/shared/crypto/audit-keys";
import type { Database } from "@earshot/shared/db/database";
import type { Log } from "@earshot/shared/log";
import type { DelivererConfig } from "./deliver-config.ts";
import { createAuditSealer } from "./seal-audit.ts";
import type { AuditSealer } from "./seal-audit.ts";

/** Without a key the audit log is kept and not sealed, which is said once. @throws ConfigError */
export async function openAuditSealer(
  db: Database,
  { AUDIT_KEY, AUDIT_HEAD_FILE, AUDIT_KEPT_DAYS }: DelivererConfig,
  log: Log,
): Promise<AuditSealer> {
  if (AUDIT_KEY === undefined) {
    log.warn("audit_unsealed", { missing: "EARSHOT_AUDIT_KEY" });
    return { run: async () => {} };
  }
  const key = await openAuditKey(AUDIT_KEY).catch(() => {
    throw new ConfigError("EARSHOT_AUDIT_KEY: is not an Ed25519 key (PKCS #8 in base64)");
  });
  const clock = () => new Date();
  return createAuditSealer({ db, key, log, clock, keptDays: AUDIT_KEPT_DAYS, headFile: AUDIT_HEAD_FILE });
}

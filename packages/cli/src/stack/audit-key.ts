import { writeFile } from "node:fs/promises";
import { newAuditKey, openAuditKey } from "@earshot/shared/crypto/audit-keys";
import type { Home } from "./home.ts";
import { keepSecret, readSecret } from "./secret-file.ts";

/** The key that signs the audit log's seals, and the public parts of it and of those before it, by which they are verified. */
export async function keepAuditKey(home: Home): Promise<void> {
  const { publicKey } = await openAuditKey(await keepSecret(home.auditKey, newAuditKey));
  const kept = await readPublicKeys(home.auditPublicKeys);
  if (!kept.includes(publicKey)) await writeFile(home.auditPublicKeys, [...kept, publicKey, ""].join("\n"));
}

/** One a line. */
export async function readPublicKeys(file: string): Promise<string[]> {
  return ((await readSecret(file)) ?? "").split("\n").filter((line) => line !== "");
}

import { writeFile } from "node:fs/promises";
import { newAuditKey, openAuditKey } from "@earshot/shared/crypto/audit-keys";
import type { Home } from "./home.ts";
import { keepSecret, readSecret } from "./secret-file.ts";

/** The key that signs the audit log's seals, and the public parts of it and of those before it, by which they are verified. */
export async function keepAuditKey(home: Home): Promise<void> {
  const { publicKey } = await openAuditKey(await keepSecret(home.auditKey, newAuditKey));
  await addPublicKey(home.auditPublicKeys, publicKey);
}

/** Once, after those that are there. */
export async function addPublicKey(file: string, publicKey: string): Promise<void> {
  const kept = await readPublicKeys(file);
  if (!kept.includes(publicKey)) await writeFile(file, [...kept, publicKey, ""].join("\n"));
}

/** One a line. */
export async function readPublicKeys(file: string): Promise<string[]> {
  return ((await readSecret(file)) ?? "").split("\n").filter((line) => line !== "");
}

import { newAuditKey, openAuditKey } from "@earshot/shared/crypto/audit-keys";
import { recordAudit } from "@earshot/shared/db/audit";
import { addPublicKey } from "../stack/audit-key.ts";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError, usageError } from "./command-error.ts";
import { withStackDatabase } from "./stack-connection.ts";
import type { Terminal } from "./terminal.ts";

export interface RotateAuditKeyOptions {
  key?: string;
  publicKeys?: string;
  json?: true;
}

const OPERATOR = { kind: "operator", id: null } as const;

/** The row that tells of it is sealed by either key. The public part is published before the key can sign. */
export async function rotateAuditKey(options: RotateAuditKeyOptions, terminal: Terminal): Promise<void> {
  if ((options.key === undefined) !== (options.publicKeys === undefined))
    throw usageError("Give --key and --public-keys, or neither for those of the home.");
  const { home } = readStackConfig(terminal.env);
  const [keyFile, publicKeys] = [options.key ?? home.auditKey, options.publicKeys ?? home.auditPublicKeys];
  const old = await openKeyIn(keyFile);
  const text = await newAuditKey();
  const next = await openAuditKey(text);
  await withStackDatabase(terminal.env, (db) =>
    db.transaction(async (tx) => {
      const detail = { replaces: old.id };
      const act = { action: "audit_key.rotate", target: next.id, detail };
      await recordAudit(tx, { accountId: null, actor: OPERATOR, ...act });
      await addPublicKey(publicKeys, old.publicKey);
      await addPublicKey(publicKeys, next.publicKey);
      await writeSecret(keyFile, text);
    }),
  );
  terminal.out(
    options.json
      ? JSON.stringify({ key_id: next.id, replaces: old.id })
      : `${next.id} replaces ${old.id}: restart the deliverer, which signs with it from then on`,
  );
}

async function openKeyIn(file: string) {
  const text = await readSecret(file);
  if (!text) throw missingError(`There is no audit key in ${file}.`);
  return openAuditKey(text).catch(() => {
    throw usageError(`${file} does not hold an Ed25519 key (PKCS #8 in base64).`);
  });
}

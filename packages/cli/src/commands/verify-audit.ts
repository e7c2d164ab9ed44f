import { writeFile } from "node:fs/promises";
import { formatHead, parseHead } from "@earshot/shared/crypto/audit-chain";
import type { AuditHead } from "@earshot/shared/crypto/audit-chain";
import { openAuditPublicKey } from "@earshot/shared/crypto/audit-keys";
import type { AuditPublicKey } from "@earshot/shared/crypto/audit-keys";
import { verifyAudit } from "@earshot/shared/db/verify-audit";
import type { AuditVerdict } from "@earshot/shared/db/verify-audit";
import { readPublicKeys } from "../stack/audit-key.ts";
import { readSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { EXIT, missingError, usageError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { withStackDatabase } from "./stack-connection.ts";
import type { Terminal } from "./terminal.ts";

export interface VerifyAuditOptions {
  head?: string;
  saveHead?: string;
  publicKeys?: string;
  json?: true;
}

/** Walks the whole chain of seals and tells what doesn't fit. */
export async function verifyAuditLog(options: VerifyAuditOptions, terminal: Terminal): Promise<ExitStatus> {
  const { home } = readStackConfig(terminal.env);
  const keys = await openKeys(options.publicKeys ?? home.auditPublicKeys);
  const head = options.head === undefined ? await headIn(home.auditHead) : await requireHead(options.head);
  const verdict = await withStackDatabase(terminal.env, (db) => verifyAudit(db, keys, head));
  const isWhole = verdict.faults.length === 0;
  if (isWhole && options.saveHead !== undefined && verdict.head !== null)
    await writeFile(options.saveHead, `${formatHead(verdict.head)}\n`);
  terminal.out(options.json ? JSON.stringify(verdictJson(verdict)) : verdictText(verdict, head));
  return isWhole ? EXIT.done : EXIT.failed;
}

async function openKeys(file: string): Promise<AuditPublicKey[]> {
  const lines = await readPublicKeys(file);
  if (lines.length === 0)
    throw missingError(`There are no public keys in ${file}. Name their file: --public-keys`);
  return Promise.all(lines.map(openAuditPublicKey)).catch(() => {
    throw usageError(`${file} does not hold Ed25519 public keys in base64, one a line.`);
  });
}

async function headIn(file: string): Promise<AuditHead | null> {
  const text = await readSecret(file);
  return text === null ? null : parseHead(text);
}

/** A head that was asked for and can't be read must not pass for none. */
async function requireHead(given: string): Promise<AuditHead> {
  const head = parseHead(given) ?? (await headIn(given));
  if (head === null) throw usageError(`${given} is no head, and no file that holds one.`);
  return head;
}

function verdictJson({ head, seals, rows, unsealedRows, faults }: AuditVerdict) {
  return {
    ok: faults.length === 0,
    head: head && formatHead(head),
    seals,
    rows,
    unsealed_rows: unsealedRows,
    faults,
  };
}

function verdictText(
  { head, seals, rows, unsealedRows, faults }: AuditVerdict,
  known: AuditHead | null,
): string {
  if (faults.length > 0) return faults.map(({ kind, message }) => `${kind}: ${message}`).join("\n");
  const lines = [
    `${rows} rows under ${seals} seals are as they were sealed; ${unsealedRows} are not sealed yet`,
    `head ${head === null ? "none" : formatHead(head)}`,
  ];
  return [...lines, ...(known === null ? ["no earlier head was known: a cut end would not show"] : [])].join(
    "\n",
  );
}

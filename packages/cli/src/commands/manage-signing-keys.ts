import type { SealKeys } from "@earshot/shared/crypto/seal";
import { SIGNING_ALGORITHMS } from "@earshot/shared/crypto/signing-keys";
import { recordAudit } from "@earshot/shared/db/audit";
import type { Database } from "@earshot/shared/db/database";
import {
  listPublishedKeys,
  listSigningKeys,
  PUBLISHED_AHEAD_SECONDS,
  revokeSigningKey,
  rotateSigningKey,
} from "@earshot/shared/db/signing-keys";
import type { SigningKeyRow } from "@earshot/shared/db/signing-keys";
import { AppError } from "@earshot/shared/domain/errors";
import { usageError } from "./command-error.ts";
import { readSealKeys } from "./seal-keys.ts";
import { withStackDatabase } from "./stack-connection.ts";
import type { Terminal } from "./terminal.ts";

export interface SigningOptions {
  json?: true;
}

export interface RotateSigningOptions extends SigningOptions {
  algorithm: string;
  atOnce?: true;
}

const OPERATOR = { kind: "operator", id: null } as const;

/** Publishes the next key; it signs once everybody who caches the set has seen it. @throws AppError `conflict` */
export async function rotateSigning(options: RotateSigningOptions, terminal: Terminal): Promise<void> {
  const algorithm = SIGNING_ALGORITHMS.find((each) => each === options.algorithm);
  if (algorithm === undefined) throw usageError(`--algorithm is one of ${SIGNING_ALGORITHMS.join(", ")}.`);
  const aheadSeconds = options.atOnce ? 0 : PUBLISHED_AHEAD_SECONDS;
  const key = await inStack(terminal, async (tx, sealKeys) => {
    const rotation = await rotateSigningKey(tx, sealKeys, { algorithm, aheadSeconds });
    if (rotation.outcome === "under_way") {
      throw new AppError("conflict", { message: `${rotation.kid} is published, and has yet to sign.` });
    }
    const { kid } = rotation.key;
    await recordAudit(tx, {
      accountId: null,
      actor: OPERATOR,
      action: "signing_key.rotate",
      target: kid,
      detail: { algorithm },
    });
    return rotation.key;
  });
  const { kid, signsFrom } = key;
  terminal.out(
    options.json ? JSON.stringify(keyJson(key, "next")) : `${kid} signs from ${signsFrom.toISOString()}`,
  );
}

export async function listSigning({ json }: SigningOptions, terminal: Terminal): Promise<void> {
  const [all, published] = await inStack(terminal, async (tx) => [
    await listSigningKeys(tx),
    await listPublishedKeys(tx),
  ]);
  const now = new Date();
  const signer = published.find(({ signsFrom }) => signsFrom <= now);
  const rows = all.map((key) => keyJson(key, stateOf(key, { published, signer, now })));
  const lines = rows.map((row) => `${row.kid}  ${row.algorithm}  ${row.status}  from ${row.signs_from}`);
  terminal.out(json ? JSON.stringify(rows) : lines.join("\n"));
}

/** Ends a key with all its tokens, and has another one sign at once. @throws AppError `not_found` */
export async function revokeSigning(
  kid: string,
  { json }: SigningOptions,
  terminal: Terminal,
): Promise<void> {
  const next = await inStack(terminal, async (tx, sealKeys) => {
    const algorithm = (await listSigningKeys(tx)).find((key) => key.kid === kid)?.algorithm ?? "EdDSA";
    if (!(await revokeSigningKey(tx, kid))) {
      throw new AppError("not_found", { message: `There is no live signing key ${kid}.` });
    }
    await recordAudit(tx, {
      accountId: null,
      actor: OPERATOR,
      action: "signing_key.revoke",
      target: kid,
    });
    return rotateSigningKey(tx, sealKeys, { algorithm, aheadSeconds: 0 });
  });
  const signs = next.outcome === "rotated" ? next.key.kid : next.kid;
  terminal.out(json ? JSON.stringify({ revoked: kid, next: signs }) : `revoked ${kid}; the next is ${signs}`);
}

function inStack<T>(terminal: Terminal, work: (tx: Database, sealKeys: SealKeys) => Promise<T>): Promise<T> {
  return withStackDatabase(terminal.env, async (db) => {
    const sealKeys = await readSealKeys(terminal.env);
    return db.transaction((tx) => work(tx, sealKeys));
  });
}

type Status = "next" | "signing" | "retiring" | "retired" | "revoked";

function stateOf(
  key: SigningKeyRow,
  { published, signer, now }: { published: SigningKeyRow[]; signer: SigningKeyRow | undefined; now: Date },
): Status {
  if (key.revokedAt !== null) return "revoked";
  if (key.signsFrom > now) return "next";
  if (key.kid === signer?.kid) return "signing";
  return published.some(({ kid }) => kid === key.kid) ? "retiring" : "retired";
}

function keyJson({ kid, algorithm, signsFrom }: SigningKeyRow, status: Status) {
  return { kid, algorithm, status, signs_from: signsFrom.toISOString() };
}

import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { accountExists, findFirstAccount } from "@earshot/shared/db/accounts";
import { insertApiKey, listApiKeys, revokeApiKey, rotateApiKey } from "@earshot/shared/db/api-keys";
import type { ApiKey } from "@earshot/shared/db/api-keys";
import { recordAudit } from "@earshot/shared/db/audit";
import type { Database } from "@earshot/shared/db/database";
import { AppError } from "@earshot/shared/domain/errors";
import { EVERY_SCOPE, SCOPES } from "@earshot/shared/domain/scopes";
import { writeSecret } from "../stack/secret-file.ts";
import { usageError } from "./command-error.ts";
import { readGraceHours } from "./grace-hours.ts";
import { withStackDatabase } from "./stack-connection.ts";
import type { Terminal } from "./terminal.ts";

export interface KeyOptions {
  account?: string;
  json?: true;
}

interface ShowKeyOptions extends KeyOptions {
  out?: string;
}

export interface CreateKeyOptions extends ShowKeyOptions {
  name: string;
  scopes: string;
  expiresDays?: string;
}

export interface RotateKeyOptions extends ShowKeyOptions {
  graceHours: string;
}

const ALL_SCOPES = [EVERY_SCOPE, ...SCOPES];
/** Whoever may read the files of the stack. */
const OPERATOR = { kind: "operator", id: null } as const;
/** More than a person reads. */
const MOST_LISTED = 1000;
const LONGEST_GRACE_HOURS = 720;
const DAY_MS = 24 * 3600 * 1_000;

/** Makes a key of an account and shows it, this once. */
export async function createKey(options: CreateKeyOptions, terminal: Terminal): Promise<void> {
  const scopes = readScopes(options.scopes);
  const expiresAt = options.expiresDays === undefined ? null : readExpiry(options.expiresDays);
  const { name } = options;
  const key = await newApiKey();
  const row = await inAccount(terminal, options, async (tx, accountId) => {
    const made = await insertApiKey(tx, { accountId, name, scopes, expiresAt, key });
    const detail = { name, scopes, expires_at: expiresAt?.toISOString() ?? null };
    await recordAudit(tx, { accountId, actor: OPERATOR, action: "api_key.create", target: made.id, detail });
    return made;
  });
  await showKey(row, key.key, options, terminal);
}

/** Replaces a key; the old one lives until its grace ends. @throws AppError `not_found`, `conflict` */
export async function rotateKey(
  idOrPrefix: string,
  options: RotateKeyOptions,
  terminal: Terminal,
): Promise<void> {
  const graceSeconds = readGraceHours(options.graceHours, LONGEST_GRACE_HOURS);
  const key = await newApiKey();
  const row = await inAccount(terminal, options, async (tx, accountId) => {
    const rotated = await rotateApiKey(tx, accountId, idOrPrefix, { graceSeconds, key });
    if (rotated.outcome === "not_live") throw noLiveKey(idOrPrefix);
    if (rotated.outcome === "rotated_already") {
      throw new AppError("conflict", { message: `It was rotated already: rotate ${rotated.successorId}.` });
    }
    const detail = { successor: rotated.key.id, grace_seconds: graceSeconds };
    const target = rotated.old.id;
    await recordAudit(tx, { accountId, actor: OPERATOR, action: "api_key.rotate", target, detail });
    return rotated.key;
  });
  await showKey(row, key.key, options, terminal);
}

/** On stdout, or in the file that was named. */
async function showKey(
  row: ApiKey,
  secret: string,
  { out, json }: ShowKeyOptions,
  terminal: Terminal,
): Promise<void> {
  if (out !== undefined) await writeSecret(out, secret);
  const shown = out === undefined ? { key: secret } : { file: out };
  const { id, name, scopes, expires_at } = keyJson(row);
  terminal.out(json ? JSON.stringify({ id, ...shown, name, scopes, expires_at }) : (out ?? secret));
}

export async function listKeys({ json, account }: KeyOptions, terminal: Terminal): Promise<void> {
  const page = { after: null, limit: MOST_LISTED };
  const { keys: rows } = await inAccount(terminal, { account }, (db, accountId) =>
    listApiKeys(db, accountId, page),
  );
  terminal.out(json ? JSON.stringify(rows.map(keyJson)) : rows.map(keyLine).join("\n"));
}

/** @throws AppError `not_found` */
export async function revokeKey(
  idOrPrefix: string,
  { json, account }: KeyOptions,
  terminal: Terminal,
): Promise<void> {
  await inAccount(terminal, { account }, async (tx, accountId) => {
    const target = await revokeApiKey(tx, accountId, idOrPrefix);
    if (target === null) throw noLiveKey(idOrPrefix);
    await recordAudit(tx, { accountId, actor: OPERATOR, action: "api_key.revoke", target });
  });
  terminal.out(json ? JSON.stringify({ revoked: idOrPrefix }) : `revoked ${idOrPrefix}`);
}

function noLiveKey(idOrPrefix: string): AppError {
  return new AppError("not_found", { message: `There is no live key ${idOrPrefix}.` });
}

/** In one transaction. Of the first account, where none is named. */
function inAccount<T>(
  terminal: Terminal,
  { account }: { account?: string | undefined },
  work: (tx: Database, accountId: string) => Promise<T>,
): Promise<T> {
  return withStackDatabase(terminal.env, (db) =>
    db.transaction(async (tx) =>
      work(tx, account === undefined ? await firstAccount(tx) : await namedAccount(tx, account)),
    ),
  );
}

function readScopes(text: string): string[] {
  const scopes = text.split(",").map((scope) => scope.trim());
  const unknown = scopes.find((scope) => !ALL_SCOPES.includes(scope));
  if (unknown === undefined) return scopes;
  throw usageError(`There is no scope "${unknown}". The scopes are ${ALL_SCOPES.join(", ")}.`, {
    scope: unknown,
  });
}

function readExpiry(text: string): Date {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 3_650)
    throw usageError("--expires-days is a whole number from 1 to 3650.");
  return new Date(Date.now() + days * DAY_MS);
}

async function namedAccount(db: Database, id: string): Promise<string> {
  if (!(await accountExists(db, id)))
    throw new AppError("not_found", { message: `There is no account ${id}.` });
  return id;
}

async function firstAccount(db: Database): Promise<string> {
  const account = await findFirstAccount(db);
  if (account === null)
    throw new AppError("not_found", { message: "There is no account yet. Start the stack once: npm start" });
  return account.id;
}

function keyJson(key: ApiKey) {
  return {
    id: key.id,
    prefix: key.prefix,
    name: key.name,
    scopes: key.scopes,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
  };
}

function keyLine(key: ApiKey): string {
  const { id, name, scopes, expires_at: expires, revoked_at: revoked } = keyJson(key);
  const expiry = expires === null ? "" : `, expires ${expires}`;
  const state = revoked === null ? `live${expiry}` : `revoked ${revoked}`;
  return `${id}  ek_${key.prefix}_…  ${scopes.join(" ")}  ${state}  ${name}`;
}

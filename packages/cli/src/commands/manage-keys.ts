import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { findFirstAccount } from "@earshot/shared/db/accounts";
import { recordAudit } from "@earshot/shared/db/audit";
import { insertApiKey, listApiKeys, revokeApiKey } from "@earshot/shared/db/api-keys";
import type { ApiKey } from "@earshot/shared/db/api-keys";
import type { Database } from "@earshot/shared/db/database";
import { AppError } from "@earshot/shared/domain/errors";
import { EVERY_SCOPE, SCOPES } from "@earshot/shared/domain/scopes";
import { writeSecret } from "../stack/secret-file.ts";
import { usageError } from "./command-error.ts";
import { withStackDatabase } from "./stack-connection.ts";
import type { Terminal } from "./terminal.ts";

export interface KeyOptions {
  json?: true;
}

export interface CreateKeyOptions extends KeyOptions {
  name: string;
  scopes: string;
  expiresDays?: string;
  out?: string;
}

const ALL_SCOPES = [EVERY_SCOPE, ...SCOPES];
/** Whoever may read the files of the stack. */
const OPERATOR = { kind: "operator", id: null } as const;
const DAY_MS = 24 * 3600 * 1_000;

/** Makes a key in the stack's first account and shows it, this once. */
export async function createKey(options: CreateKeyOptions, terminal: Terminal): Promise<void> {
  const scopes = readScopes(options.scopes);
  const expiresAt = options.expiresDays === undefined ? null : readExpiry(options.expiresDays);
  const { name, out } = options;
  const key = await newApiKey();
  const id = await inFirstAccount(terminal, (db, accountId) =>
    db.transaction(async (tx) => {
      const id = await insertApiKey(tx, { accountId, name, scopes, expiresAt, key });
      const detail = { name, scopes, expires_at: expiresAt?.toISOString() ?? null };
      await recordAudit(tx, { accountId, actor: OPERATOR, action: "api_key.create", target: id, detail });
      return id;
    }),
  );
  if (out !== undefined) await writeSecret(out, key.key);
  const shown = out === undefined ? { key: key.key } : { file: out };
  const told = { id, ...shown, name, scopes, expires_at: expiresAt?.toISOString() ?? null };
  terminal.out(options.json ? JSON.stringify(told) : (out ?? key.key));
}

export async function listKeys({ json }: KeyOptions, terminal: Terminal): Promise<void> {
  const rows = await inFirstAccount(terminal, listApiKeys);
  terminal.out(json ? JSON.stringify(rows.map(keyJson)) : rows.map(keyLine).join("\n"));
}

/** @throws AppError `not_found` */
export async function revokeKey(idOrPrefix: string, { json }: KeyOptions, terminal: Terminal): Promise<void> {
  const revoked = await inFirstAccount(terminal, (db, accountId) =>
    db.transaction(async (tx) => {
      const revoked = await revokeApiKey(tx, accountId, idOrPrefix);
      if (revoked !== null)
        await recordAudit(tx, { accountId, actor: OPERATOR, action: "api_key.revoke", target: revoked });
      return revoked;
    }),
  );
  if (revoked === null) throw new AppError("not_found", { message: `There is no live key ${idOrPrefix}.` });
  terminal.out(json ? JSON.stringify({ revoked: idOrPrefix }) : `revoked ${idOrPrefix}`);
}

function inFirstAccount<T>(
  terminal: Terminal,
  work: (db: Database, accountId: string) => Promise<T>,
): Promise<T> {
  return withStackDatabase(terminal.env, async (db) => work(db, await firstAccount(db)));
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

import type { Command } from "commander";
import { SCOPES } from "@earshot/api/principal";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { findFirstAccount } from "@earshot/shared/db/accounts";
import { insertApiKey, listApiKeys, revokeApiKey } from "@earshot/shared/db/api-keys";
import type { ApiKey } from "@earshot/shared/db/api-keys";
import type { Database } from "@earshot/shared/db/database";
import { AppError } from "@earshot/shared/domain/errors";
import { usageError } from "./command-error.ts";
import { withStackDatabase } from "./stack-connection.ts";
import type { Terminal } from "./terminal.ts";
import { writeSecret } from "../stack/secret-file.ts";

const EXAMPLES = `
Examples:
  earshot keys create --name laptop --scopes jobs:read,jobs:write --expires-days 90
  earshot keys create --name ci --out ci.key
  earshot keys list
  earshot keys revoke key_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD

They work on the embedded stack of EARSHOT_HOME, which must be running.`;

const ALL_SCOPES = ["*", ...SCOPES];
const DAY_MS = 24 * 3600 * 1_000;

interface CreateOptions {
  name: string;
  scopes: string;
  expiresDays?: string;
  out?: string;
  json?: true;
}

/** `earshot keys create|list|revoke`. */
export function addKeys(program: Command, terminal: Terminal): void {
  const keys = program
    .command("keys")
    .description("API keys of the embedded stack")
    .addHelpText("after", EXAMPLES);
  const inAccount = (work: (db: Database, accountId: string) => Promise<void>) =>
    withStackDatabase(terminal.env, async (db) => work(db, await firstAccount(db)));

  keys
    .command("create")
    .description("Make a key; it is shown this once")
    .option("--name <name>", "what it is for", "cli")
    .option("--scopes <names>", `what it may do, separated by commas, of ${ALL_SCOPES.join(" ")}`, "*")
    .option("--expires-days <days>", "when it stops working (default: never)")
    .option("--out <file>", "write it to this file, readable by you alone, not to stdout")
    .option("--json", "print JSON alone on stdout")
    .action((options: CreateOptions) =>
      inAccount((db, accountId) => createKey(db, accountId, options, terminal)),
    );

  keys
    .command("list")
    .description("Show all keys, without their secrets")
    .option("--json", "print JSON alone on stdout")
    .action(({ json }: { json?: true }) =>
      inAccount(async (db, accountId) => {
        const rows = await listApiKeys(db, accountId);
        terminal.out(json ? JSON.stringify(rows.map(keyJson)) : rows.map(keyLine).join("\n"));
      }),
    );

  keys
    .command("revoke")
    .description("Make a key useless at once")
    .argument("<id|prefix>", "as `keys list` shows it")
    .option("--json", "print JSON alone on stdout")
    .action((idOrPrefix: string, { json }: { json?: true }) =>
      inAccount(async (db, accountId) => {
        if (!(await revokeApiKey(db, accountId, idOrPrefix))) {
          throw new AppError("not_found", { message: `There is no live key ${idOrPrefix}.` });
        }
        terminal.out(json ? JSON.stringify({ revoked: idOrPrefix }) : `revoked ${idOrPrefix}`);
      }),
    );
}

async function createKey(
  db: Database,
  accountId: string,
  options: CreateOptions,
  terminal: Terminal,
): Promise<void> {
  const scopes = readScopes(options.scopes);
  const expiresAt = options.expiresDays === undefined ? null : readExpiry(options.expiresDays);
  const key = await newApiKey();
  const id = await insertApiKey(db, { accountId, name: options.name, scopes, expiresAt, key });
  if (options.out !== undefined) await writeSecret(options.out, key.key);
  const shown = options.out === undefined ? { key: key.key } : { file: options.out };
  const told = { id, ...shown, name: options.name, scopes, expires_at: expiresAt?.toISOString() ?? null };
  terminal.err(`${id} (${scopes.join(" ")})`);
  terminal.out(options.json ? JSON.stringify(told) : (shown.key ?? options.out ?? ""));
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

import { migrate, MigrationError, pendingMigrations } from "@earshot/shared/db/migrate";
import type { AppliedMigration } from "@earshot/shared/db/migrate";
import { dropVectorIndexes, indexVectors, VectorIndexError } from "@earshot/shared/db/vector-indexes";
import { DATABASE_ROLES, makeHome } from "../stack/home.ts";
import { newLogin } from "../stack/new-login.ts";
import { writeSecret } from "../stack/secret-file.ts";
import { prepareDatabase } from "../stack/stack.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { MIGRATIONS } from "../stack/stack-database.ts";
import { CommandError, EXIT, usageError } from "./command-error.ts";
import type { IndexOptions, MigrateOptions } from "./database.ts";
import { withOwnersDatabase } from "./owner-connection.ts";
import type { Terminal } from "./terminal.ts";

export async function migrateDatabase({ dryRun, json }: MigrateOptions, terminal: Terminal): Promise<void> {
  const run = dryRun ? pendingMigrations : migrate;
  const migrations = await withOwnersDatabase(terminal.env, (_, { sql }) => run(sql, MIGRATIONS)).catch(told);
  if (json) return terminal.out(JSON.stringify(migrations.map(({ version, name }) => ({ version, name }))));
  for (const migration of migrations)
    terminal.out(`${dryRun ? "to apply" : "applied"}  ${lineOf(migration)}`);
  if (migrations.length === 0) terminal.out("The database is at this version.");
}

function lineOf({ version, name }: AppliedMigration): string {
  return `${String(version).padStart(4, "0")}  ${name}`;
}

function told(error: unknown): never {
  if (error instanceof MigrationError || error instanceof VectorIndexError)
    throw new CommandError(EXIT.failed, "conflict", error.message);
  throw error;
}

export async function renewLogin(name: string, { out }: { out: string }, terminal: Terminal): Promise<void> {
  const role = DATABASE_ROLES.find((role) => role === name);
  if (role === undefined) throw usageError(`${name} is none of ${DATABASE_ROLES.join(", ")}.`);
  await withOwnersDatabase(terminal.env, async (_, { sql, url }) =>
    writeSecret(out, await newLogin(sql, role, url)),
  );
  terminal.out(`${out}: the URL of earshot_${role}, with its new password`);
}

/** For an installation on one machine: each key, login and account is made once and kept, so that it may run at each start. */
export async function setUpDatabase({ json }: { json?: true }, terminal: Terminal): Promise<void> {
  const { home } = readStackConfig(terminal.env);
  await makeHome(home);
  const ownerUrl = await withOwnersDatabase(terminal.env, async (_, { url }) => url);
  await prepareDatabase(home, { ownerUrl, keepsLogins: true });
  terminal.out(
    json ? JSON.stringify({ home: home.directory }) : `${home.directory} has what each process needs`,
  );
}

export async function manageVectorIndexes({ drop, json }: IndexOptions, terminal: Terminal): Promise<void> {
  const run = drop ? dropVectorIndexes : indexVectors;
  const indexes = await withOwnersDatabase(terminal.env, (_, { sql }) => run(sql)).catch(told);
  if (json) return terminal.out(JSON.stringify(indexes));
  for (const { outcome, name, space, dimensions } of indexes)
    terminal.out(`${outcome}  ${space === null ? name : `${space}  ${dimensions} dimensions`}`);
  if (indexes.length === 0) terminal.out(drop ? "There is no index." : "There are no vectors.");
}

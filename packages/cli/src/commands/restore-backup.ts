import { mkdir } from "node:fs/promises";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { createLog } from "@earshot/shared/log";
import { restoreBackup, verifyBackup } from "../backup/read-backup.ts";
import type { BackupContents } from "../backup/read-backup.ts";
import { makeHome } from "../stack/home.ts";
import type { Home } from "../stack/home.ts";
import { keepPostgres } from "../stack/keep-postgres.ts";
import { lockHome } from "../stack/lock.ts";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import { createDatabase, MIGRATIONS } from "../stack/stack-database.ts";
import { keyFilesOf, readPlace } from "./backup-target.ts";
import { missingError } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

export interface RestoreOptions {
  identity?: string;
  json?: true;
}

export async function verify(file: string, options: RestoreOptions, terminal: Terminal): Promise<void> {
  tell(await verifyBackup(file, await identityIn(options)), options, terminal, "is whole");
}

/** @throws BackupError when the backup is damaged or there is something already. */
export async function restore(file: string, options: RestoreOptions, terminal: Terminal): Promise<void> {
  const identity = await identityIn(options);
  // Before anything is started or made.
  await verifyBackup(file, identity);
  const { home, databaseUrl, blobs } = await readPlace(terminal.env);
  const into = (sql: OpenDatabase["sql"]) =>
    restoreBackup(file, identity, {
      sql,
      migrations: MIGRATIONS,
      blobs,
      keepKey: (name, content) => keepKey(home, name, content),
    });
  const contents =
    databaseUrl === null
      ? await withHomesDatabase(home, terminal, into)
      : await withDatabase(databaseUrl, into);
  tell(contents, options, terminal, "is restored");
}

async function identityIn({ identity }: RestoreOptions): Promise<string | null> {
  if (identity === undefined) return null;
  const text = await readSecret(identity);
  if (text === null) throw missingError(`There is no ${identity}.`);
  const line = text.split("\n").find((each) => each.startsWith("AGE-SECRET-KEY-"));
  return line?.trim() ?? text;
}

/** Postgres alone, of a stack that does not run. */
async function withHomesDatabase<T>(
  home: Home,
  terminal: Terminal,
  work: (sql: OpenDatabase["sql"]) => Promise<T>,
): Promise<T> {
  await makeHome(home);
  await using _lock = await lockHome(home, "a restore");
  const quiet = { log: createLog("restore", () => {}), onNotice() {} };
  const server = await keepPostgres(home.directory, quiet, terminal.signal);
  try {
    await createDatabase(server);
    const url = new URL(server.ownerUrl);
    url.pathname = "/earshot";
    return await withDatabase(url.href, work);
  } finally {
    await server.stop();
  }
}

async function withDatabase<T>(url: string, work: (sql: OpenDatabase["sql"]) => Promise<T>): Promise<T> {
  const { sql, close } = openDatabase({ url, name: "earshot restore", max: 1 });
  try {
    return await work(sql);
  } finally {
    await close();
  }
}

/** A key that is there already stays: it may be of the place where the backup is from, put there by hand. */
async function keepKey(home: Home, name: string, content: string): Promise<void> {
  const path = keyFilesOf(home).get(name);
  if (path === undefined || (await readSecret(path)) !== null) return;
  await mkdir(home.directory, { recursive: true, mode: 0o700 });
  await writeSecret(path, content);
}

function tell(
  { manifest, ...contents }: BackupContents,
  { json }: RestoreOptions,
  terminal: Terminal,
  verb: string,
) {
  const version = manifest.migrations.at(-1)?.version ?? 0;
  const told = {
    created_at: manifest.created_at,
    migration: version,
    tables: manifest.tables.length,
    ...contents,
  };
  terminal.out(
    json
      ? JSON.stringify(told)
      : `the backup of ${told.created_at} ${verb}: migration ${version}, ${told.tables} tables, ${told.blobs} blobs, ${told.bytes} bytes` +
          (contents.keys.length === 0 ? ", no keys" : `, keys ${contents.keys.join(" ")}`),
  );
}

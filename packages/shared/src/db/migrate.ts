import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type postgres from "postgres";

/** A file `NNNN_name.sql`. */
export interface Migration {
  version: number;
  name: string;
  /** Of the file's bytes, lower-case hex. */
  sha256: string;
  text: string;
}

export type AppliedMigration = Omit<Migration, "text">;

/** The files and the database do not fit, or a file failed. The message names the file and is for a person. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** Any number that nothing else in the product locks. */
const LOCK = 8_787_001;

/**
 * Applies, in order, what the database has not seen, and answers that. Each file is one transaction, unless its first
 * line is `-- no-transaction`: such a file holds one statement (several sent together are a transaction again).
 * Two runs at once take turns. `through` is the last one to apply, where not all are meant. Throws `MigrationError`; the files before the one that failed stay applied.
 */
export async function migrate(
  sql: postgres.Sql,
  directory: string,
  { through = Number.POSITIVE_INFINITY }: { through?: number } = {},
): Promise<AppliedMigration[]> {
  const migrations = await readMigrations(directory);
  // A connection that the driver opens for `reserve` alone is never handed over: one has to be there.
  await sql`select`;
  const connection = await sql.reserve();
  try {
    // It belongs to the connection: it is free again when this process dies.
    await connection`select pg_advisory_lock(${LOCK})`;
    await connection`create table if not exists schema_migrations (
      version integer primary key, name text not null, sha256 text not null, applied_at timestamptz(3) not null default now())`;
    const unseen = findPending(migrations, await readApplied(connection));
    const pending = unseen.filter(({ version }) => version <= through);
    for (const migration of pending) await apply(connection, migration);
    return pending.map(({ version, name, sha256 }) => ({ version, name, sha256 }));
  } finally {
    await connection`select pg_advisory_unlock_all()`.catch(() => {}); // A lost connection has lost the lock, too.
    connection.release();
  }
}

/** What `migrate` would apply. It only reads: any role that may select from `schema_migrations` can ask. */
export async function pendingMigrations(sql: postgres.Sql, directory: string): Promise<AppliedMigration[]> {
  const migrations = await readMigrations(directory);
  const [row] = await sql<
    { exists: boolean }[]
  >`select to_regclass('schema_migrations') is not null as exists`;
  const applied = row?.exists ? await readApplied(sql) : [];
  const seen = new Set(applied.map(({ version }) => version));
  return migrations
    .filter(({ version }) => !seen.has(version))
    .map(({ version, name, sha256 }) => ({ version, name, sha256 }));
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".sql")).toSorted();
  return Promise.all(files.map((file, index) => readMigration(directory, file, index + 1)));
}

/** Numbers without a gap or a twin, so that two branches which add the same one cannot both be merged unseen. */
async function readMigration(directory: string, file: string, expectedVersion: number): Promise<Migration> {
  const [, digits, name] = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file) ?? [];
  if (digits === undefined || name === undefined)
    throw new MigrationError(`${file} is not named NNNN_name.sql.`);
  const version = Number(digits);
  if (version !== expectedVersion) {
    throw new MigrationError(`${file} stands where migration ${numbered(expectedVersion)} is expected.`);
  }
  const bytes = await readFile(join(directory, file));
  return {
    version,
    name,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    text: bytes.toString("utf8"),
  };
}

function readApplied(sql: postgres.Sql): Promise<AppliedMigration[]> {
  return sql<AppliedMigration[]>`select version, name, sha256 from schema_migrations order by version`;
}

/** History does not change: what was applied is there, byte for byte. */
function findPending(migrations: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  for (const [index, { version, name, sha256 }] of applied.entries()) {
    const migration = migrations[index];
    if (migration?.name !== name)
      throw new MigrationError(`${fileOf({ version, name })} was applied and its file is gone.`);
    if (migration.sha256 !== sha256)
      throw new MigrationError(`${fileOf({ version, name })} was changed after it was applied.`);
  }
  return migrations.slice(applied.length);
}

async function apply(connection: postgres.ReservedSql, migration: Migration): Promise<void> {
  const isTransaction = !/^-- no-transaction\s*(\n|$)/.test(migration.text);
  try {
    if (isTransaction) await connection`begin`;
    await connection.unsafe(migration.text).simple();
    const { version, name, sha256 } = migration;
    await connection`insert into schema_migrations ${connection({ version, name, sha256 })}`;
    if (isTransaction) await connection`commit`;
  } catch (cause) {
    if (isTransaction) await connection`rollback`;
    throw new MigrationError(`${fileOf(migration)} failed: ${(cause as Error).message}`, { cause });
  }
}

function fileOf({ version, name }: { version: number; name: string }): string {
  return `${numbered(version)}_${name}.sql`;
}

function numbered(version: number): string {
  return String(version).padStart(4, "0");
}

import type { Readable, Writable } from "node:stream";
import type postgres from "postgres";
import type { AppliedMigration } from "./migrate.ts";

/** What the data is, and nothing of its form: that is what migrations make. */
export interface DumpedTable {
  name: string;
  columns: string[];
}

export interface Snapshot {
  /** As they were when these rows were written. */
  migrations: AppliedMigration[];
  /** Each after those that it refers to. */
  tables: DumpedTable[];
  /** Rows in the text format of COPY. */
  rowsOf(table: DumpedTable): Promise<Readable>;
  /** Keys of all blobs that these rows name. */
  blobKeys(): AsyncIterable<string[]>;
}

/** Form alone: its rows are what `migrate` writes. */
const NO_DATA = "schema_migrations";

/** Reads everything as it was at one moment, however long that takes. Nobody has to wait for it. */
export async function withSnapshot<T>(
  sql: postgres.Sql,
  read: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const result = await sql.begin("isolation level repeatable read read only", async (tx) => {
    await tx`set local timezone to 'UTC'`;
    await tx`set local datestyle to 'ISO'`;
    const migrations = await appliedTo(tx);
    const tables = await tablesOf(tx);
    return {
      value: await read({
        migrations,
        tables: tables.filter(({ name }) => name !== NO_DATA),
        rowsOf: ({ name, columns }) => tx`copy ${tx(name)} (${tx(columns)}) to stdout`.readable(),
        blobKeys: () => blobKeys(tx),
      }),
    };
  });
  return result.value;
}

async function appliedTo(tx: postgres.TransactionSql): Promise<AppliedMigration[]> {
  return [
    ...(await tx<AppliedMigration[]>`
    select version, name, sha256 from schema_migrations order by version`),
  ];
}

/** Uploads that are whole, and results. */
async function* blobKeys(tx: postgres.TransactionSql): AsyncGenerator<string[]> {
  const pages = tx<{ key: string }[]>`
    select blob_key as key from uploads where completed_at is not null and deleted_at is null
    union select blob_key from task_results where blob_key is not null`.cursor(500);
  for await (const page of pages) yield page.map(({ key }) => key);
}

async function tablesOf(tx: postgres.TransactionSql): Promise<DumpedTable[]> {
  const rows = await tx<{ name: string; columns: string[]; parents: string[] }[]>`
    select c.relname as name,
      (select to_json(array_agg(a.attname order by a.attnum)) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
      to_json(array(select distinct p.relname from pg_constraint f join pg_class p on p.oid = f.confrelid
        where f.contype = 'f' and f.conrelid = c.oid and p.oid <> c.oid)) as parents
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname`;
  return parentsFirst(rows);
}

/** @throws Error when tables refer to each other in a circle: their rows could not be loaded one table after the other. */
function parentsFirst(tables: readonly (DumpedTable & { parents: string[] })[]): DumpedTable[] {
  const ordered: DumpedTable[] = [];
  const waiting = new Map(tables.map((table) => [table.name, table]));
  while (waiting.size > 0) {
    const free = [...waiting.values()].filter(({ parents }) => parents.every((name) => !waiting.has(name)));
    if (free.length === 0) throw new Error(`tables refer to each other: ${[...waiting.keys()].join(", ")}`);
    for (const { name, columns } of free) {
      ordered.push({ name, columns });
      waiting.delete(name);
    }
  }
  return ordered;
}

export interface Loading {
  /** As the database is at the moment. */
  migrations: AppliedMigration[];
  /** Takes rows in the text format of COPY. */
  rowsInto(table: DumpedTable): Promise<Writable>;
}

/** True when nothing that anybody wrote is there. What an unfinished restore left is only form. */
export async function isEmptyDatabase(sql: postgres.Sql): Promise<boolean> {
  const tables = await sql.begin((tx) => tablesOf(tx));
  for (const { name } of tables) {
    if (name === NO_DATA) continue;
    const found = await sql`select from ${sql(name)} limit 1`;
    if (found.length > 0) return false;
  }
  return true;
}

/** Writes rows as they were, past every trigger of ours, in one transaction: all of them, or none. */
export async function loadInto(sql: postgres.Sql, load: (loading: Loading) => Promise<void>): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local timezone to 'UTC'`;
    await tx`set local datestyle to 'ISO'`;
    const tables = await tablesOf(tx);
    // Counters and events of these rows are among them already.
    for (const { name } of tables) await tx`alter table ${tx(name)} disable trigger user`;
    await load({
      migrations: await appliedTo(tx),
      rowsInto: ({ name, columns }) => tx`copy ${tx(name)} (${tx(columns)}) from stdin`.writable(),
    });
    for (const { name } of tables) await tx`alter table ${tx(name)} enable trigger user`;
  });
}

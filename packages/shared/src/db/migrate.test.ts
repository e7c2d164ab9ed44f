import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmptyDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import type postgres from "postgres";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { MigrationError, migrate, pendingMigrations } from "./migrate.ts";

let database: TestDatabase;
let directory: string;
let sql: postgres.Sql;

beforeEach(async () => {
  database = await createEmptyDatabase();
  directory = await mkdtemp(join(tmpdir(), "earshot-migrations-"));
  sql = connect();
});

afterEach(async () => {
  await sql.end();
  await database.drop();
  await rm(directory, { recursive: true });
});

function connect(): postgres.Sql {
  return openDatabase({ url: database.urls.owner, name: "test migrate", max: 2 }).sql;
}

function write(file: string, text: string): Promise<void> {
  return writeFile(join(directory, file), text);
}

async function hasTable(name: string): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`select to_regclass(${name}) is not null as found`;
  return row?.found ?? false;
}

test("an empty directory is no work, and a database without history can be asked", async () => {
  expect(await pendingMigrations(sql, directory)).toEqual([]);
  expect(await migrate(sql, directory)).toEqual([]);
});

test("files are applied in the order of their numbers, once", async () => {
  await write("0002_columns.sql", "alter table songs add title text;");
  await write("0001_songs.sql", "create table songs (id integer);\ncreate index on songs (id);");
  expect((await migrate(sql, directory)).map(({ name }) => name)).toEqual(["songs", "columns"]);
  expect(await migrate(sql, directory)).toEqual([]);
  const rows =
    await sql`select version, name, length(sha256) as digits from schema_migrations order by version`;
  expect([...rows]).toEqual([
    { version: 1, name: "songs", digits: 64 },
    { version: 2, name: "columns", digits: 64 },
  ]);
});

test("pendingMigrations names what migrate would apply, and applies nothing", async () => {
  await write("0001_songs.sql", "create table songs (id integer);");
  await migrate(sql, directory);
  await write("0002_albums.sql", "create table albums (id integer);");
  expect((await pendingMigrations(sql, directory)).map(({ name }) => name)).toEqual(["albums"]);
  expect(await hasTable("albums")).toBe(false);
});

test("a file that fails leaves nothing of itself, and those before it stay", async () => {
  await write("0001_songs.sql", "create table songs (id integer);");
  await write("0002_broken.sql", "create table halfway (id integer);\nselect * from nowhere;");
  await expect(migrate(sql, directory)).rejects.toThrow(/0002_broken\.sql failed: .*nowhere/);
  expect(await hasTable("songs")).toBe(true);
  expect(await hasTable("halfway")).toBe(false);
  await write("0002_broken.sql", "create table halfway (id integer);");
  expect((await migrate(sql, directory)).map(({ version }) => version)).toEqual([2]);
});

test("a file marked no-transaction may hold what no transaction allows", async () => {
  await write("0001_songs.sql", "create table songs (id integer);");
  await write("0002_index.sql", "-- no-transaction\ncreate index concurrently songs_by_id on songs (id);");
  await migrate(sql, directory);
  expect(await hasTable("songs_by_id")).toBe(true);
});

test("without the mark the same file is refused by the server", async () => {
  await write("0001_songs.sql", "create table songs (id integer);");
  await write("0002_index.sql", "create index concurrently songs_by_id on songs (id);");
  await expect(migrate(sql, directory)).rejects.toThrow(/transaction block/);
});

test.for([
  {
    what: "changed",
    change: () => write("0001_songs.sql", "create table songs (id bigint);"),
    message: /0001_songs\.sql was changed/,
  },
  {
    what: "removed",
    change: () => rm(join(directory, "0001_songs.sql")),
    message: /0001_songs\.sql was applied and its file is gone/,
  },
])("an applied file that was $what stops the run", async ({ change, message }) => {
  await write("0001_songs.sql", "create table songs (id integer);");
  await migrate(sql, directory);
  await change();
  await expect(migrate(sql, directory)).rejects.toThrow(message);
});

test.for([
  { what: "a gap", files: ["0001_a.sql", "0003_c.sql"], message: /0003_c\.sql stands where migration 0002/ },
  { what: "a twin", files: ["0001_a.sql", "0001_b.sql"], message: /0001_b\.sql stands where migration 0002/ },
  { what: "another name", files: ["1-a.sql"], message: /1-a\.sql is not named/ },
])("$what in the numbers stops the run before the first file", async ({ files, message }) => {
  for (const file of files) await write(file, "create table never (id integer);");
  const failure = await migrate(sql, directory).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(MigrationError);
  expect(failure).toHaveProperty("message", expect.stringMatching(message));
  expect(await hasTable("never")).toBe(false);
});

test("two runs at once apply each file once", async () => {
  await write("0001_songs.sql", "select pg_sleep(0.05); create table songs (id integer);");
  const other = connect();
  const runs = await Promise.all([migrate(sql, directory), migrate(other, directory)]);
  await other.end();
  expect(runs.flat()).toHaveLength(1);
});

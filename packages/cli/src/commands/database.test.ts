import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@earshot/shared/db/database";
import { createEmptyDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runCli, runHere } from "./testing/run-cli.ts";

let database: TestDatabase;
let home: string;
beforeAll(async () => {
  [database, home] = await Promise.all([
    createEmptyDatabase(),
    mkdtemp(join(tmpdir(), "earshot-test-migrate-")),
  ]);
});
afterAll(() => Promise.all([database.drop(), rm(home, { recursive: true })]));

const env = () => ({ EARSHOT_HOME: home, EARSHOT_DATABASE_DIRECT_URL: database.urls.owner });
const cli = (...args: string[]) => runCli(args, { env: env() });
const here = (...args: string[]) => runHere(args, env());

test("a database is brought to this version by a step of its own, which can be looked at before", async () => {
  const [planned] = jsonLines(await cli("migrate", "--dry-run", "--json")) as [unknown[]];
  expect(planned[0]).toEqual({ version: 1, name: "roles" });
  expect(await cli("migrate")).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^applied {2}0001 {2}roles\n/),
  });
  expect(await cli("migrate")).toMatchObject({ status: 0, stdout: "The database is at this version.\n" });
});

test("a Postgres without pgvector says so, and another run is not disturbed", async () => {
  expect(await here("database", "index-vectors", "--json")).toMatchObject({
    status: 1,
    stdout: expect.stringContaining("This Postgres has no pgvector"),
  });
  const dropped = await here("database", "index-vectors", "--drop");
  expect(dropped).toMatchObject({ status: 0, stdout: "There is no index.\n" });
  const { sql, close } = openDatabase({ url: database.urls.owner, name: "test", max: 1 });
  await sql`select pg_advisory_lock(8787002)`;
  expect(await here("database", "index-vectors", "--drop")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("Another run"),
  });
  await close();
});

test("a database that has another history is left as it is, with status 1", async () => {
  const { sql, close } = openDatabase({ url: database.urls.owner, name: "test" });
  await sql`update schema_migrations set sha256 = 'other' where version = 2`;
  expect(await cli("migrate", "--json")).toMatchObject({
    status: 1,
    stdout: expect.stringContaining("0002_accounts.sql was changed after it was applied"),
  });
  await close();
});

test("a role that there is not is wrong usage, and writes nothing", async () => {
  const out = join(home, "owner.url");
  expect(await cli("database", "login", "postgres", "--out", out)).toMatchObject({ status: 2 });
  await expect(stat(out)).rejects.toThrow("ENOENT");
});

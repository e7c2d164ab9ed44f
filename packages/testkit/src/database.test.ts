import postgres from "postgres";
import { expect, test } from "vitest";
import { createTestDatabase } from "./database.ts";

async function ask<Row extends object>(url: string, statement: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1 });
  try {
    return await sql.unsafe<Row[]>(statement);
  } finally {
    await sql.end();
  }
}

test("a test's database has the migrations and is seen by no other test", async () => {
  await using one = await createTestDatabase();
  await using other = await createTestDatabase();
  await ask(one.urls.owner, "create table mine (id integer)");
  const [migrated] = await ask<{ count: string }>(one.urls.owner, "select count(*) from schema_migrations");
  expect(Number(migrated?.count)).toBeGreaterThan(0);
  await expect(ask(other.urls.owner, "select * from mine")).rejects.toThrow(/does not exist/);
});

test.for(["api", "worker", "deliver"] as const)("the role of %s logs in and owns nothing", async (room) => {
  await using database = await createTestDatabase();
  const [row] = await ask<{ role: string }>(database.urls[room], "select current_user as role");
  expect(row?.role).toBe(`earshot_${room}`);
  await expect(ask(database.urls[room], "create table intruder (id integer)")).rejects.toThrow(
    /permission denied/,
  );
});

test("a dropped database is gone, open connections or not", async () => {
  const database = await createTestDatabase();
  const held = postgres(database.urls.owner, { max: 1 });
  await held`select 1`;
  await database.drop();
  await expect(held`select 1`).rejects.toThrow();
  await held.end();
  await expect(ask(database.urls.owner, "select 1")).rejects.toThrow(/does not exist/);
});

import { once } from "node:events";
import { connect } from "node:net";
import { createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import type { Database, DatabaseOptions } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());

function open(options: Pick<DatabaseOptions, "carrier"> = {}) {
  const opened = openDatabase({ url: database.urls.owner, name: "prepared", max: 1, ...options });
  return { ...opened, [Symbol.asyncDispose]: () => opened.close() };
}

/** What the one connection has prepared, by how often it was run. */
async function preparedIn(db: Database): Promise<Record<string, number>> {
  const rows = await db.execute<{ statement: string; runs: number }>(
    sql`select statement, (generic_plans + custom_plans)::int as runs from pg_prepared_statements`,
  );
  return Object.fromEntries(rows.map(({ statement, runs }) => [statement, runs]));
}

const plusOne = async (db: Database, to: number) =>
  (await db.execute<{ sum: number }>(sql`select ${to}::int + 1 as sum`))[0]?.sum;

test("a statement is prepared once and run again with other values, in transactions and savepoints too", async () => {
  await using opened = open();
  const { db } = opened;
  expect(await plusOne(db, 1)).toBe(2);
  await db.transaction(async (tx) => {
    expect(await plusOne(tx, 2)).toBe(3);
    await tx.transaction(async (inner) => expect(await plusOne(inner, 3)).toBe(4));
  });
  expect((await preparedIn(db))["select $1::int + 1 as sum"]).toBe(3);
});

test("a search is planned anew each time", async () => {
  await using opened = open();
  for (let run = 1; run <= 2; run++) {
    const found = await opened.db.execute(sql`select n from generate_series(1, 9) n order by n LIMIT ${run}`);
    expect(found).toHaveLength(run);
  }
  expect(Object.keys(await preparedIn(opened.db)).filter((text) => text.includes("LIMIT"))).toEqual([]);
});

test("a table that changes under a prepared statement does not break it", async () => {
  await using opened = open();
  const { db } = opened;
  await db.execute(sql`create table changing (a int)`);
  const all = async () => [...(await db.execute(sql`select * from changing where ${1}::int = 1`))];
  await db.execute(sql`insert into changing values (1)`);
  expect(await all()).toEqual([{ a: 1 }]);
  await db.execute(sql`alter table changing add column b int not null default 2`);
  expect(await all()).toEqual([{ a: 1, b: 2 }]);
});

test("statements of ever new shapes are not kept without end", async () => {
  await using opened = open();
  for (let shape = 1; shape <= 450; shape++)
    await opened.db.execute(sql`select ${1}::int + ${sql.raw(String(shape))}`);
  expect(Object.keys(await preparedIn(opened.db))).toHaveLength(400);
  expect(await plusOne(opened.db, 1)).toBe(2);
});

test("nothing is prepared where another layer keeps the connections", async () => {
  const carrier = async ({ host, port }: { host: string[]; port: number[] }) => {
    const socket = connect({ host: host[0] ?? "", port: port[0] ?? 0 });
    await once(socket, "connect");
    return socket;
  };
  await using opened = open({ carrier });
  expect(await plusOne(opened.db, 1)).toBe(2);
  expect(await preparedIn(opened.db)).toEqual({});
});

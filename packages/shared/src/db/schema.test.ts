import { getTableColumns, getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canBecome, isFinal, JOB_STATUSES } from "../domain/job-status.ts";
import type { JobStatus } from "../domain/job-status.ts";
import * as schema from "./schema.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

interface Column {
  name: string;
  type: string;
  notNull: boolean;
  hasDefault: boolean;
}

const TABLES = Object.values(schema).filter((value) => is(value, PgTable));

/** Columns as the migrations made them, with the types in drizzle's spelling. */
function columnsOf(table: string): Promise<Column[]> {
  return rooms.owner<Column[]>`
    select a.attname as name, replace(format_type(a.atttypid, a.atttypmod), 'timestamp(3) with', 'timestamp (3) with') as type,
      a.attnotnull as "notNull", a.atthasdef as "hasDefault"
    from pg_attribute a where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped
    order by name`;
}

test.for(TABLES.map((table) => [getTableName(table), table] as const))(
  "drizzle's %s has the columns that the migrations made",
  async ([name, table]) => {
    const described = Object.values(getTableColumns(table)).map((column) => ({
      name: column.name,
      type: column.getSQLType(),
      notNull: column.notNull,
      hasDefault: column.hasDefault || column.generated !== undefined,
    }));
    expect(described.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([...(await columnsOf(name))]);
  },
);

test("drizzle knows every table", async () => {
  const tables = await rooms.owner<
    { name: string }[]
  >`select tablename as name from pg_tables where schemaname = 'public'`;
  const known = ["schema_migrations", ...TABLES.map((table) => getTableName(table))];
  expect(tables.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
});

const PAIRS = JOB_STATUSES.flatMap((from) =>
  JOB_STATUSES.filter((to) => to !== from).map((to) => [from, to] as const),
);

/** Puts a job into `from` whatever the trigger says, then lets it become `to`. */
async function change(id: string, from: JobStatus, to: JobStatus): Promise<void> {
  const to_ = (status: JobStatus) => rooms.owner`
    update jobs set status = ${status},
      lease_token = ${status === "running" || status === "canceling" ? "t" : null},
      finished_at = ${isFinal(status) ? "2026-01-01" : null}
    where id = ${id}`;
  await rooms.owner`alter table jobs disable trigger job_transition`;
  await to_(from);
  await rooms.owner`alter table jobs enable trigger job_transition`;
  await to_(to);
}

test("the trigger allows exactly the changes of state that the domain allows", async () => {
  const { id } = await rooms.submit();
  for (const [from, to] of PAIRS) {
    const outcome = await change(id, from, to).then(
      () => "allowed",
      (error: Error) => error.message,
    );
    const expected = canBecome(from, to) ? "allowed" : `a job cannot go from ${from} to ${to}`;
    expect(outcome, `${from} to ${to}`).toBe(expected);
  }
});

test.for([
  ["a running job without a lease", "status = 'running'"],
  ["a queued job with a lease", "lease_token = 't'"],
  ["a finished job without its time", "status = 'canceled'"],
  ["a live job without an input", "input_url = null"],
] as const)("%s can't be stored", async ([, change]) => {
  await rooms.submit();
  await expect(rooms.owner.unsafe(`update jobs set ${change}`)).rejects.toMatchObject({ code: "23514" });
});

test("a change of state is announced with the job's id", async () => {
  const { id } = await rooms.submit();
  const { promise, resolve } = Promise.withResolvers<string>();
  const { unlisten } = await rooms.deliverSql.listen("earshot_jobs", resolve);
  await rooms.owner`update jobs set status = 'canceled', finished_at = now()`;
  expect(await promise).toBe(id);
  await unlisten();
});

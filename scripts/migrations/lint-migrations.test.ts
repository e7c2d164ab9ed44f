import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../claims/read-claims.ts";
import { DANGERS } from "./dangers.ts";
import { lintMigrations } from "./lint-migrations.ts";
import { readReleased } from "./released.ts";

const DIRECTORY = join(ROOT, "migrations");
const FILES = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith(".sql"))
  .toSorted()
  .map((name) => ({ name, text: readFileSync(join(DIRECTORY, name), "utf8") }));

const BEFORE = {
  name: "0001_jobs.sql",
  text: "create table jobs (id text primary key, name text); create index jobs_name on jobs (name);",
};

async function dangersIn(text: string): Promise<string[]> {
  const findings = await lintMigrations([BEFORE, { name: "0002_next.sql", text }], 1);
  return findings.map(({ danger }) => danger);
}

/** Each with a time-out, so that only what is meant is found. */
const altered = (command: string) => `set local lock_timeout = '2s'; alter table jobs ${command};`;

test("no migration locks, rewrites or breaks what a release has", async () => {
  expect(await lintMigrations(FILES, readReleased())).toEqual([]);
});

test("what was safe before the first release would be found after it", async () => {
  const found = await lintMigrations(FILES.slice(0, 22), 21);
  expect(found.map(({ file, line, danger }) => `${file}:${line} ${danger}`)).toEqual([
    "0022_lanes.sql:3 index-locks-writes",
    "0022_lanes.sql:4 waits-for-lock",
    "0022_lanes.sql:4 breaks-running-code",
    "0022_lanes.sql:5 waits-for-lock",
    "0022_lanes.sql:5 rewrites-table",
    "0022_lanes.sql:8 index-locks-writes",
  ]);
});

test.for<[string, string[]]>([
  ["create index jobs_name on jobs (name);", ["index-locks-writes"]],
  ["create unique index jobs_name on public.jobs (name);", ["index-locks-writes"]],
  ["-- no-transaction\ncreate index concurrently jobs_name on jobs (name);", []],
  ["create index concurrently jobs_name on jobs (name);", ["concurrently-in-transaction"]],
  [
    "-- no-transaction\ncreate index concurrently a on jobs (name);\nselect 1;",
    ["several-statements", "several-statements"],
  ],
  ["drop index jobs_name;", ["index-locks-writes"]],
  [
    "create table other (id text); create index other_id on other (id); alter table other alter id type int using 1;",
    [],
  ],
  ["alter table jobs add column size bigint;", ["waits-for-lock"]],
  [altered("add column size bigint"), []],
  [altered("add column size bigint not null default 0"), []],
  [altered("add column at timestamptz not null default now()"), []],
  [altered("add column size bigint not null"), ["not-null-without-default"]],
  [altered("add column key uuid default gen_random_uuid()"), ["rewrites-table"]],
  [altered("add column number bigserial"), ["rewrites-table"]],
  [altered("add column number bigint generated always as identity"), ["rewrites-table"]],
  [altered("add column low text generated always as (lower(name)) stored"), ["rewrites-table"]],
  [altered("add column size bigint check (size > 0)"), ["scans-table"]],
  [altered("add column of text references jobs (id)"), ["scans-table"]],
  [altered("add column code text unique"), ["index-locks-writes"]],
  [altered("alter column name type varchar(9)"), ["rewrites-table"]],
  [altered("alter column name set not null"), ["scans-table"]],
  [altered("alter column name set default 'x'"), []],
  [altered("add constraint named check (name <> '')"), ["scans-table"]],
  [altered("add constraint named check (name <> '') not valid"), []],
  [altered("validate constraint named"), []],
  [altered("add unique (name)"), ["index-locks-writes"]],
  [altered("add constraint named unique using index jobs_name"), []],
  [altered("drop column name"), ["breaks-running-code"]],
  ["alter table jobs rename column name to title;", ["breaks-running-code"]],
  ["drop table jobs;", ["breaks-running-code"]],
  ["drop function of_jobs(text);", ["breaks-running-code"]],
  ["update jobs set name = 'x';", ["changes-rows"]],
  ["delete from jobs;", ["changes-rows"]],
  ["truncate jobs;", ["changes-rows"]],
  ["cluster jobs;", ["rewrites-table"]],
  ["merge into jobs using jobs o on true when matched then delete;", ["changes-rows"]],
  ["with gone as (delete from public.jobs returning id) select count(*) from gone;", ["changes-rows"]],
  [
    "insert into other with gone as (update jobs set name = '' returning id) select id from gone;",
    ["changes-rows"],
  ],
  ["create table other (id text); insert into other select id from jobs; update other set id = '';", []],
  ["vacuum full jobs;", ["rewrites-table"]],
  ["reindex table jobs;", ["index-locks-writes"]],
  ["reindex table concurrently jobs;", ["concurrently-in-transaction"]],
  ["-- no-transaction\nreindex table concurrently jobs;", []],
  ["alter table jobs set schema archive;", ["breaks-running-code"]],
  ["revoke update on jobs from earshot_api;", ["breaks-running-code"]],
  ["grant update on jobs to earshot_api; revoke execute on function f() from public;", []],
  ["do $$ begin execute 'drop table jobs'; end $$;", ["hides-what-it-does"]],
  [altered("alter column name drop default"), ["breaks-running-code"]],
  ["set local lock_timeout = 0; alter table jobs add column size bigint;", ["waits-for-lock"]],
  [
    "set local lock_timeout = '2s'; reset lock_timeout; alter table jobs add column size bigint;",
    ["waits-for-lock"],
  ],
  ["set local lock_timeout = 2000; alter table jobs add column size bigint;", []],
  ["drop trigger named on jobs;", ["waits-for-lock"]],
  ["lock table jobs;", ["waits-for-lock"]],
  ["create trigger named after insert on jobs for each row execute function f();", ["waits-for-lock"]],
])("%s: %j", async ([text, expected]) => {
  expect(await dangersIn(text)).toEqual(expected);
});

test("each danger is one that a case shows", async () => {
  const source = readFileSync(new URL(import.meta.url), "utf8");
  expect(Object.keys(DANGERS).filter((danger) => !source.includes(`["${danger}"`))).toEqual([]);
});

test("a marker with a reason allows one danger of the statement below it, and no other", async () => {
  const drop = "drop table jobs;\n";
  const allowed = "-- Jobs are é elsewhere.\n-- allow breaks-running-code: nothing has read it since 0.2.0\n";
  expect(await dangersIn(allowed + drop)).toEqual([]);
  expect(await dangersIn(allowed + drop + drop)).toEqual(["breaks-running-code"]);
  expect(await dangersIn("-- allow changes-rows: few\n" + drop)).toEqual(["breaks-running-code"]);
  expect(await dangersIn("-- allow breaks-running-code:\n" + drop)).toEqual(["breaks-running-code"]);
});

test("a finding says where and what to do instead", async () => {
  const text = "-- é\nselect 1;\n\ndrop index jobs_name;";
  expect(await lintMigrations([BEFORE, { name: "0002_next.sql", text }], 1)).toEqual([
    {
      file: "0002_next.sql",
      line: 4,
      danger: "index-locks-writes",
      advice: expect.stringContaining("CONCURRENTLY"),
    },
  ]);
});

test("the releases that are written down are migrations that exist", () => {
  expect(readReleased()).toBeLessThanOrEqual(FILES.length);
});

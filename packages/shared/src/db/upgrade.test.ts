import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEmptyDatabase, createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import type postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import type { OpenDatabase } from "./database.ts";
import { claimJob } from "./jobs/claim-job.ts";
import { migrate } from "./migrate.ts";

const MIGRATIONS = fileURLToPath(new URL("../../../../migrations", import.meta.url));
const FILES = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql")).toSorted();

/** Rows as a version of this number has them, in the order of their references. Columns that it lacks are left out. */
function rowsOf(n: number): [table: string, row: Record<string, unknown>][] {
  const account = { account_id: `acc_${n}` };
  const job = {
    ...account,
    input_url: "https://example.com/a.flac",
    tasks: ["audio.features"],
    timeout_seconds: 600,
    retention_seconds: 3600,
    queue_deadline_at: "2099-01-01",
    request_id: "req",
    claimable_at: "2026-01-01",
  };
  const done = { job_id: `job_${n}_done` };
  const url = "https://example.com/hook";
  return [
    ["accounts", { id: `acc_${n}`, name: "A", webhook_secret_sealed: "k1:x" }],
    [
      "api_keys",
      { ...account, id: `key_${n}`, name: "k", prefix: `p${n}`, secret_hash: "h", scopes: ["jobs:read"] },
    ],
    [
      "uploads",
      {
        ...account,
        id: `upl_${n}`,
        filename: "a",
        content_type: "audio/flac",
        size_bytes: 1,
        blob_key: `uploads/${n}`,
        put_expires_at: "2026-01-01",
      },
    ],
    ["jobs", { ...job, id: `job_${n}_queued` }],
    [
      "jobs",
      {
        ...job,
        id: `job_${n}_running`,
        status: "running",
        attempt: 1,
        lease_token: "t",
        lease_until: "2026-01-01",
        worker_id: "w",
      },
    ],
    [
      "jobs",
      {
        ...job,
        id: `job_${n}_done`,
        status: "succeeded",
        attempt: 1,
        finished_at: "2026-01-01",
        metadata: { song: "é" },
      },
    ],
    ["job_attempts", { job_id: `job_${n}_running`, attempt: 1, worker_id: "w" }],
    ["job_attempts", { ...done, attempt: 1, worker_id: "w", ended_at: "2026-01-01", outcome: "succeeded" }],
    ["idempotency_keys", { ...account, route: "r", key: "k", body_sha256: "0", status: 202, response: "{}" }],
    [
      "task_results",
      {
        ...done,
        task: "audio.features",
        position: 0,
        attempt: 1,
        status: "succeeded",
        version: "1",
        device: "cpu",
        body: "{}",
        body_bytes: 2,
        body_sha256: "0",
      },
    ],
    ["embeddings", { ...account, ...done, space: "s", vec: [0.6, 0.8] }],
    [
      "events",
      { ...account, ...done, id: `evt_${n}_a`, type: "job.started", payload: "{}", job_sequence: 1 },
    ],
    [
      "events",
      { ...account, ...done, id: `evt_${n}_b`, type: "job.succeeded", payload: "{}", job_sequence: 2 },
    ],
    ["webhook_endpoints", { ...account, id: `whe_${n}`, url, secret_sealed: "k1:y" }],
    ["deliveries", { ...account, ...done, id: `dlv_${n}`, event_id: `evt_${n}_b`, url }],
    [
      "delivery_attempts",
      { delivery_id: `dlv_${n}`, attempt: 1, started_at: "2026-01-01", latency_ms: 5, status_code: 500 },
    ],
    [
      "audit_log",
      { ...account, id: `aud_${n}`, actor_kind: "key", action: "job.create", outcome: "success" },
    ],
  ];
}

const TABLES = rowsOf(0).map(([table]) => table);

let directory: string;
let database: TestDatabase;
let upgraded: OpenDatabase;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-upgrade-"));
  database = await createEmptyDatabase();
  upgraded = openDatabase({ url: database.urls.owner, name: "upgrade", max: 2 });
});
afterAll(async () => {
  await upgraded.close();
  await database.drop();
  await rm(directory, { recursive: true });
});

test("every migration keeps the rows that each version before it wrote", async () => {
  const { sql } = upgraded;
  for (const [index, file] of FILES.entries()) {
    const before = await contentOf(sql, await columnsOf(sql));
    await copyFile(join(MIGRATIONS, file), join(directory, file));
    await migrate(sql, directory);
    const columns = await columnsOf(sql);
    expect(await contentOf(sql, columns, before), file).toEqual(only(before, columns));
    for (const [table, row] of rowsOf(index + 1)) await insert(sql, table, row, columns.get(table) ?? []);
  }
  const [row] = await sql`select count(*)::int as jobs, min(id) as first from jobs`;
  expect(row).toEqual({ jobs: 3 * (FILES.length - 3), first: "job_10_done" });
});

test("a job that each version queued is claimed by the newest", async () => {
  for (const version of [...FILES.keys()].slice(3)) {
    const claim = claimJob(upgraded.db, `job_${version + 1}_queued`, { workerId: "w", leaseSeconds: 60 });
    expect(await claim).toMatchObject({ outcome: "claimed" });
  }
});

test("the schema that upgrades come to is that of a new database", async () => {
  await using fresh = await createTestDatabase();
  const { sql, close } = openDatabase({ url: fresh.urls.owner, name: "fresh" });
  expect(await schemaOf(upgraded.sql)).toEqual(await schemaOf(sql));
  await close();
});

/** The columns that somebody writes, by table; what a table computes is not among them. */
async function columnsOf(sql: postgres.Sql): Promise<Map<string, string[]>> {
  const rows = await sql<{ table: string; column: string }[]>`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = 'public' and is_generated = 'NEVER' and table_name <> 'schema_migrations'
    order by table_name, ordinal_position`;
  return new Map(
    Object.entries(Object.groupBy(rows, ({ table }) => table)).map(([table, of = []]) => [
      table,
      of.map(({ column }) => column),
    ]),
  );
}

async function insert(sql: postgres.Sql, table: string, row: Record<string, unknown>, columns: string[]) {
  const known = Object.fromEntries(Object.entries(row).filter(([column]) => columns.includes(column)));
  if (columns.length === 0) return;
  const names = sql(Object.keys(known));
  await sql`insert into ${sql(table)} (${names})
    select ${names} from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(known)}::text::jsonb)`;
}

type Content = Record<string, Record<string, unknown>[]>;

/** The rows of every table that this test writes to: all columns, or those that `like` has, too. */
async function contentOf(
  sql: postgres.Sql,
  columns: Map<string, string[]>,
  like?: Content,
): Promise<Content> {
  const tables = TABLES.filter((table) => columns.has(table) && (like === undefined || table in like));
  const content = tables.map(async (table) => {
    const known = Object.keys(like?.[table]?.[0] ?? {});
    const names = (columns.get(table) ?? []).filter((name) => known.length === 0 || known.includes(name));
    const rows = await sql<{ row: Record<string, unknown> }[]>`select to_jsonb(t) as row from (
      select ${sql(names)} from ${sql(table)}) t`;
    return [table, inOrder(rows.map(({ row }) => row))] as const;
  });
  return Object.fromEntries(await Promise.all(content));
}

/** Without the columns that a migration took away. */
function only(content: Content, columns: Map<string, string[]>): Content {
  const pick = (table: string, row: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(row).filter(([column]) => columns.get(table)?.includes(column)));
  const entries = Object.entries(content);
  return Object.fromEntries(
    entries.map(([table, rows]) => [table, inOrder(rows.map((row) => pick(table, row)))]),
  );
}

function inOrder(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

/** Columns, indexes, constraints, triggers, functions and grants, a line each. */
async function schemaOf(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default, generation_expression) as line
    from information_schema.columns where table_schema = 'public'
    union all select 'index ' || indexdef from pg_indexes where schemaname = 'public'
    union all select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
    from pg_constraint where connamespace = 'public'::regnamespace
    union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function ' || pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
    union all select concat_ws(' ', 'grant', table_name, grantee, privilege_type) from information_schema.role_table_grants
    where table_schema = 'public' order by line`;
  return rows.map(({ line }) => line);
}

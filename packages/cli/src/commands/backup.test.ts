import { execFile } from "node:child_process";
import { openAsBlob } from "node:fs";
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Earshot } from "@earshot/sdk";
import { openDatabase } from "@earshot/shared/db/database";
import { createLog } from "@earshot/shared/log";
import { createTestDatabase } from "@earshot/testkit/database";
import { until } from "@earshot/testkit/until";
import { keepPostgres } from "../stack/keep-postgres.ts";
import { findFreePort } from "../stack/postgres-port.ts";
import { runCli, SAMPLE } from "./testing/run-cli.ts";
import type { CliRun } from "./testing/run-cli.ts";
import { readKey, spawnUp } from "./testing/up.ts";
import type { Up } from "./testing/up.ts";

let directory: string;
let identity: string;
let recipient: string;
let backup: string;
/** What was there when it was made. */
let rows: Map<string, string[]>;
let jobId: string;
let result: unknown;

const homeOf = (name: string) => join(directory, name);

async function cli(args: string[], env: Record<string, string> = {}): Promise<CliRun> {
  const run = await runCli(args, { env });
  expect(run, args.join(" ")).toMatchObject({ status: 0, stderr: "" });
  return run;
}

async function upIn(name: string): Promise<{ up: Up; earshot: Earshot }> {
  const port = String(await findFreePort());
  const up = spawnUp({ EARSHOT_HOME: homeOf(name), EARSHOT_PORT: port, EARSHOT_LANES: "1" });
  await up.serving();
  const apiKey = await readKey(homeOf(name));
  return { up, earshot: new Earshot({ baseUrl: `http://127.0.0.1:${port}`, apiKey }) };
}

async function analyzed(earshot: Earshot, metadata: Record<string, string>): Promise<string> {
  const named = { filename: "a.flac", contentType: "audio/flac" };
  const { id } = await earshot.uploads.create(await openAsBlob(SAMPLE), named);
  const job = await earshot.jobs.create({ input: { upload_id: id }, tasks: ["audio.features"], metadata });
  return (await earshot.jobs.wait(job.id)).id;
}

/** The database of a home whose stack does not run. */
async function withDatabase<T>(name: string, work: (url: string) => Promise<T>): Promise<T> {
  const quiet = { log: createLog("test", () => {}), onNotice() {} };
  const server = await keepPostgres(homeOf(name), quiet, new AbortController().signal);
  try {
    return await work(server.ownerUrl.replace(/\/postgres$/, "/earshot"));
  } finally {
    await server.stop();
  }
}

/** Every row of every table, as text. */
async function rowsOf(url: string): Promise<Map<string, string[]>> {
  const { sql, close } = openDatabase({ url, name: "test", max: 1 });
  try {
    const tables = await sql<{ name: string }[]>`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`;
    const found = new Map<string, string[]>();
    for (const { name } of tables) {
      // When a migration was applied is of the database, not of the data.
      const shown = name === "schema_migrations" ? sql`version || name || sha256` : sql`t::text`;
      const all = await sql<{ row: string }[]>`select ${shown} as row from ${sql(name)} t order by 1`;
      found.set(
        name,
        all.map(({ row }) => row),
      );
    }
    return found;
  } finally {
    await close();
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-test-backup-"));
  // Root's Postgres runs as somebody else, who has to pass.
  await chmod(directory, 0o711);
  identity = join(directory, "identity");
  recipient = (await cli(["backup", "keygen", "--out", identity])).stdout.trim();

  const { up, earshot } = await upIn("first");
  // What COPY must escape is in it.
  jobId = await analyzed(earshot, { "a\tb": "\\N \n é" });
  result = await earshot.jobs.result(jobId);
  await earshot.webhookEndpoints.create({ url: "https://example.com/hook" });
  await earshot.boxes.invite({ name: "a box" });
  const head = join(homeOf("first"), "audit-head");
  await until(() => stat(head), { describe: "the first seal of the audit log" });
  await up.end("SIGTERM");

  await withDatabase("first", async (url) => {
    rows = await rowsOf(url);
    const env = { EARSHOT_HOME: homeOf("first"), EARSHOT_DATABASE_URL: url };
    const run = await cli(
      ["backup", "create", "--recipient", recipient, "--with-keys", "--out", directory, "--json"],
      env,
    );
    backup = (JSON.parse(run.stdout) as { file: string }).file;
  });
}, 180_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

test("a backup is encrypted, readable by its maker alone, and whole", async () => {
  expect((await stat(backup)).mode & 0o777).toBe(0o600);
  const bytes = await readFile(backup);
  expect(bytes.toString("latin1", 0, 22)).toBe("age-encryption.org/v1\n");
  const { stdout } = await cli(["backup", "verify", backup, "--identity", identity, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    tables: rows.size - 1,
    keys: expect.arrayContaining(["seal-keys"]),
  });
});

test("restored into an empty home, every row of every table is the same, and the stack starts on it: jobs, results, audit log", async () => {
  await cli(["restore", backup, "--identity", identity], { EARSHOT_HOME: homeOf("second") });
  const restored = await withDatabase("second", rowsOf);
  expect([...restored.keys()]).toEqual([...rows.keys()]);
  for (const [table, own] of rows) expect(restored.get(table), table).toEqual(own);
  const filled = [...rows].filter(([, own]) => own.length > 0).map(([table]) => table);
  expect(filled).toEqual(
    expect.arrayContaining([
      "accounts",
      "jobs",
      "uploads",
      "task_results",
      "events",
      "audit_log",
      "audit_seals",
    ]),
  );

  const { up, earshot } = await upIn("second");
  try {
    expect(await earshot.jobs.result(jobId)).toEqual(result);
    const audit = await cli(["audit", "verify", "--json"], { EARSHOT_HOME: homeOf("second") });
    expect(JSON.parse(audit.stdout)).toMatchObject({ ok: true, faults: [] });
    expect(await earshot.jobs.get(await analyzed(earshot, {}))).toMatchObject({ status: "succeeded" });
  } finally {
    await up.end("SIGTERM");
  }
}, 180_000);

test("nothing is restored where something is", async () => {
  await using database = await createTestDatabase();
  const { sql, close } = openDatabase({ url: database.urls.owner, name: "test", max: 1 });
  await sql`insert into accounts (id, name, webhook_secret_sealed) values ('acc_x', 'x', 'x')`;
  const before = await rowsOf(database.urls.owner);
  const env = { EARSHOT_HOME: homeOf("none"), EARSHOT_DATABASE_URL: database.urls.owner };
  const run = await runCli(["restore", backup, "--identity", identity], { env });
  expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining("the database is not empty") });
  expect(await rowsOf(database.urls.owner)).toEqual(before);
  await close();
});

test.each(["another's identity", "no identity", "a cut off end", "a changed byte"])(
  "with %s nothing is restored, and nothing begun",
  async (fault) => {
    const damaged = join(directory, `damaged-${fault.replaceAll(/\W/g, "")}`);
    const bytes = await readFile(backup);
    if (fault === "a changed byte") bytes.writeUInt8((bytes[bytes.length >> 1] ?? 0) ^ 1, bytes.length >> 1);
    await writeFile(damaged, fault === "a cut off end" ? bytes.subarray(0, -100) : bytes);
    const other = join(directory, `identity-${fault.length}`);
    await cli(["backup", "keygen", "--out", other]);
    const opener = fault === "another's identity" ? other : identity;
    const args = ["restore", damaged, ...(fault === "no identity" ? [] : ["--identity", opener])];
    const run = await runCli(args, { env: { EARSHOT_HOME: homeOf(`not-${fault.length}`) } });
    expect(run.status, run.stderr).toBe(1);
    expect(run.stderr).toContain("earshot: ");
    expect(await readdir(directory)).not.toContain(`not-${fault.length}`);
  },
);

test("a backup in plain is opened by gzip and tar, holds no keys, and only the newest are kept", async () => {
  await using database = await createTestDatabase();
  const out = await mkdtemp(join(directory, "kept-"));
  const env = { EARSHOT_HOME: homeOf("first"), EARSHOT_DATABASE_URL: database.urls.owner };
  for (const day of ["01", "02"])
    await copyFile(backup, join(out, `earshot-2026-01-${day}T000000Z.tar.gz.age`));
  await writeFile(join(out, "notes.txt"), "kept");
  const run = await cli(["backup", "create", "--plain", "--out", out, "--keep", "2", "--json"], env);
  const { file } = JSON.parse(run.stdout) as { file: string };
  const kept = (await readdir(out)).toSorted();
  expect(kept).toEqual(["earshot-2026-01-02T000000Z.tar.gz.age", file.slice(out.length + 1), "notes.txt"]);
  const { stdout } = await promisify(execFile)("tar", ["-tzf", file]);
  expect(stdout.split("\n")).toContain("manifest.json");
  expect(stdout).not.toContain("keys/");
  await cli(["backup", "verify", file]);
});

test.each([
  [["backup", "create"], "Say whom to encrypt for"],
  [["backup", "create", "--plain", "--with-keys"], "for encrypted backups alone"],
  [["backup", "create", "--recipient", "me"], "no recipient"],
])("%j is refused", async (args, reason) => {
  const run = await runCli(args, { env: { EARSHOT_HOME: homeOf("none") } });
  expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining(reason) });
});

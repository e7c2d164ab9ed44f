import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { openAsBlob } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Earshot } from "@earshot/sdk";
import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { newId } from "@earshot/shared/crypto/ids";
import { openDatabase } from "@earshot/shared/db/database";
import { claimJob } from "@earshot/shared/db/jobs/claim-job";
import { finishJob } from "@earshot/shared/db/jobs/finish-job";
import type { Finish } from "@earshot/shared/db/jobs/finish-job";
import { completeUpload, insertUpload } from "@earshot/shared/db/uploads";
import { createLog } from "@earshot/shared/log";
import { startTestBucket } from "@earshot/testkit/bucket";
import type { TestBucket } from "@earshot/testkit/bucket";
import { createEmptyDatabase, createTestDatabase } from "@earshot/testkit/database";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { keepPostgres } from "../stack/keep-postgres.ts";
import { findFreePort } from "../stack/postgres-port.ts";
import { runCli, runHere, SAMPLE } from "./testing/run-cli.ts";
import type { CliRun } from "./testing/run-cli.ts";
import { readKey, spawnUp } from "./testing/up.ts";
import type { Up } from "./testing/up.ts";

const ROOT = join(import.meta.dirname, "../../../..");

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

/** The commands of docs/backup.md for an empty machine, word for word but for their paths. */
async function documentedRestore(): Promise<{ restore: string; start: string; verify: string }> {
  const page = await readFile(join(ROOT, "docs/backup.md"), "utf8");
  const [, script = ""] = /```sh\n(export EARSHOT_HOME=[^`]+)```/.exec(page) ?? [];
  const lines = script
    .replaceAll(/ +#.*$/gm, "")
    .trim()
    .split("\n");
  expect(lines).toEqual([
    "export EARSHOT_HOME=/var/lib/earshot",
    expect.stringMatching(/^earshot restore earshot-\S+\.tar\.gz\.age --identity backup-identity$/),
    "npm start",
    "earshot audit verify",
  ]);
  const [, restore = "", start = "", verify = ""] = lines;
  return {
    restore: restore.replace(/earshot-\S+\.age/, backup).replace("backup-identity", identity),
    start,
    verify,
  };
}

/** A shell at the root of the tree, where `earshot` is the command line. */
async function shell(command: string, env: Record<string, string>): Promise<ChildProcess> {
  const bin = join(directory, "bin");
  await mkdir(bin, { recursive: true });
  const main = join(ROOT, "packages/cli/src/main.ts");
  await writeFile(join(bin, "earshot"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, {
    mode: 0o755,
  });
  const path = `${bin}:${process.env["PATH"]}`;
  return spawn("bash", ["-c", `exec ${command}`], {
    cwd: ROOT,
    env: { PATH: path, HOME: directory, EARSHOT_NO_INSTALL: "1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("restored on an empty machine as docs/backup.md has it, every row of every table is the same, and npm start goes on: jobs, results, audit log", async () => {
  const documented = await documentedRestore();
  const port = String(await findFreePort());
  const env = { EARSHOT_HOME: homeOf("second"), EARSHOT_PORT: port, EARSHOT_LANES: "1" };
  expect(await once(await shell(documented.restore, env), "exit")).toEqual([0, null]);
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

  const running = await shell(documented.start, env);
  const ended = once(running, "exit");
  try {
    let printed = "";
    running.stdout?.on("data", (part: Buffer) => (printed += part.toString()));
    await until(() => printed.includes("serving at"), { timeoutMs: 60_000, describe: "npm start to serve" });
    const earshot = new Earshot({
      baseUrl: `http://127.0.0.1:${port}`,
      apiKey: await readKey(env.EARSHOT_HOME),
    });
    expect(await earshot.jobs.result(jobId)).toEqual(result);
    expect(
      await once(await shell(`${documented.verify} --json >${homeOf("audit.json")}`, env), "exit"),
    ).toEqual([0, null]);
    const audit = JSON.parse(await readFile(homeOf("audit.json"), "utf8")) as unknown;
    expect(audit).toMatchObject({ ok: true, faults: [] });
    expect(await earshot.jobs.get(await analyzed(earshot, {}))).toMatchObject({ status: "succeeded" });
  } finally {
    running.kill("SIGTERM");
    await ended;
  }
}, 180_000);

describe("of a bucket", () => {
  const UPLOAD = randomBytes(300_000);
  const RESULT = randomBytes(2_000);
  let rooms: TestRooms;
  let bucket: TestBucket;
  let place: Record<string, string>;
  let keys: string[];

  const blobsIn = ({ location, credentials }: TestBucket) =>
    openBlobs(location, parseAwsCredentials(credentials));
  const envOf = (databaseUrl: string, of: TestBucket) => ({
    EARSHOT_HOME: homeOf("none"),
    EARSHOT_DATABASE_URL: databaseUrl,
    EARSHOT_BLOBS: of.location,
    EARSHOT_BLOBS_CREDENTIALS: of.credentials,
  });

  async function here(args: string[], env: Record<string, string>): Promise<unknown> {
    const run = await runHere([...args, "--json"], env);
    expect(run, args.join(" ")).toMatchObject({ status: 0, stderr: "" });
    return JSON.parse(run.stdout);
  }

  /** In plain, so that a test can change what is in it. */
  async function backUp(name: string, env: Record<string, string>): Promise<string> {
    const file = join(directory, `${name}.tar.gz`);
    await here(["backup", "create", "--plain", "--out", file], env);
    return file;
  }

  beforeAll(async () => {
    [rooms, bucket] = await Promise.all([openTestRooms(), startTestBucket()]);
    const uploadId = newId("upload");
    await insertUpload(rooms.ownerDb, {
      id: uploadId,
      accountId: rooms.accountId,
      filename: "a.flac",
      contentType: "audio/flac",
      sizeBytes: UPLOAD.length,
      sha256: null,
      openSeconds: 60,
    });
    await completeUpload(rooms.ownerDb, rooms.accountId, uploadId);
    const { id } = await rooms.submit({ uploadId, inputUrl: null });
    const claimed = await claimJob(rooms.worker, id, { workerId: "w", leaseSeconds: 60 });
    if (claimed.outcome !== "claimed") throw new Error("the job is not claimed");
    keys = [`uploads/${uploadId}`, `results/${id}/1/audio.features.json.gz`];
    await finishJob(rooms.worker, claimed.lease, finishWith(keys[1] ?? ""));
    const blobs = await blobsIn(bucket);
    await blobs.write(keys[0] ?? "", new Blob([UPLOAD]).stream());
    await blobs.write(keys[1] ?? "", new Blob([RESULT]).stream());
    // Of no row: nobody would miss it.
    await blobs.write("uploads/forgotten", new Blob(["x"]).stream());
    place = envOf(rooms.urls.owner, bucket);
  });
  afterAll(async () => {
    await rooms[Symbol.asyncDispose]();
    await bucket.stop();
  });

  test("every row and every blob is restored into an empty database and an empty bucket, and nothing into one that has rows", async () => {
    await using other = await startTestBucket();
    await using database = await createEmptyDatabase();
    const file = join(directory, "bucket.tar.gz.age");
    const made = await here(["backup", "create", "--recipient", recipient, "--out", file], place);
    expect(made).toMatchObject({ blobs: 2, blobBytes: UPLOAD.length + RESULT.length, missingBlobs: 0 });
    const target = envOf(database.urls.owner, other);
    await here(["restore", file, "--identity", identity], target);

    expect(await rowsOf(database.urls.owner)).toEqual(await rowsOf(rooms.urls.owner));
    expect((await other.keys()).toSorted()).toEqual(keys.toSorted());
    const restored = await blobsIn(other);
    expect(await buffer(await restored.read(keys[0] ?? ""))).toEqual(UPLOAD);
    expect(await buffer(await restored.read(keys[1] ?? ""))).toEqual(RESULT);

    await using untouched = await startTestBucket();
    const again = await runHere(
      ["restore", file, "--identity", identity],
      envOf(database.urls.owner, untouched),
    );
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining("the database is not empty") });
    expect(await untouched.keys()).toEqual([]);
  });

  test("a blob that was changed or taken out of a backup is found", async () => {
    const tar = gunzipSync(await readFile(await backUp("whole", place)));
    const at = tar.indexOf(RESULT);
    const changed = Buffer.from(tar);
    changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
    // Its header, and its bytes in whole blocks.
    const missing = Buffer.concat([
      tar.subarray(0, at - 512),
      tar.subarray(at + Math.ceil(RESULT.length / 512) * 512),
    ]);
    for (const [name, bytes] of Object.entries({ whole: tar, changed, missing })) {
      const file = join(directory, `bucket-${name}.tar.gz`);
      await writeFile(file, gzipSync(bytes));
      const run = await runHere(["backup", "verify", file], {});
      expect(run, name).toMatchObject(
        name === "whole"
          ? { status: 0, stdout: expect.stringContaining("2 blobs") }
          : { status: 1, stderr: expect.stringContaining("do not have their sums") },
      );
    }
  });

  test("a blob that the bucket has lost is told of", async () => {
    const key = keys[1] ?? "";
    const blobs = await blobsIn(bucket);
    await blobs.delete(key);
    const run = await runHere(
      ["backup", "create", "--plain", "--out", join(directory, "lost.tar.gz")],
      place,
    );
    await blobs.write(key, new Blob([RESULT]).stream());
    expect(run).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("1 blobs that rows name are not there"),
    });
  });
});

function finishWith(blobKey: string): Finish {
  const result = {
    task: "audio.features",
    status: "succeeded",
    errorCode: null,
    model: null,
    version: "1",
    device: "cpu",
    summary: {},
    body: null,
    blobKey,
    bodyBytes: 2_000,
    bodySha256: "00",
    keyId: null,
  } as const;
  return {
    status: "succeeded",
    results: [result],
    embeddings: [],
    input: null,
    warnings: [],
    computeSeconds: 1,
    device: "cpu",
    error: null,
  };
}

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

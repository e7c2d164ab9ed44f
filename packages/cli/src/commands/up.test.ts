import { execFile, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import { createAccount } from "@earshot/shared/db/accounts";
import { insertApiKey } from "@earshot/shared/db/api-keys";
import { openDatabase } from "@earshot/shared/db/database";
import { expectNoProcess, findByCommand, findDescendants, findProcesses } from "@earshot/testkit/processes";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFreePort } from "../stack/postgres-port.ts";
import { jsonLines, runCli, SAMPLE } from "./testing/run-cli.ts";
import { pidOf, readKey, spawnUp } from "./testing/up.ts";
import type { Up } from "./testing/up.ts";

const ROOT = join(import.meta.dirname, "../../../..");

let directory: string;
let home: string;
let env: Record<string, string>;
let up: Up;
let jobId: string;

/** Stands for whatever somebody holds secret. */
const CANARY = `canary${randomBytes(16).toString("hex")}`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-up-"));
  // Root's Postgres runs as somebody else, who has to pass.
  await chmod(directory, 0o711);
  home = join(directory, "home");
  env = {
    EARSHOT_HOME: home,
    EARSHOT_PORT: String(await findFreePort()),
    EARSHOT_LANES: "1",
    EARSHOT_LEASE_SECONDS: "5",
  };
});

afterAll(async () => {
  if (up.child.exitCode === null && up.child.signalCode === null) await up.end("SIGTERM");
  await rm(directory, { recursive: true, force: true });
});

const cli = (...args: string[]) => runCli(args, { env });

function call(path: string, key: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${env["EARSHOT_PORT"]}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}` },
  });
}

async function asOwner<T>(work: (database: ReturnType<typeof openDatabase>) => Promise<T>): Promise<T> {
  const [password, port] = await Promise.all(
    ["postgres-password", "postgres-port"].map((name) => readFile(join(home, name), "utf8")),
  );
  const database = openDatabase({
    url: `postgres://postgres:${password}@127.0.0.1:${port}/earshot`,
    name: "test",
    max: 1,
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function postmaster(): Promise<number> {
  return Number((await readFile(join(home, "pg", "postmaster.pid"), "utf8")).split("\n")[0]);
}

async function allOf(running: Up): Promise<number[]> {
  return [await postmaster(), ...(await findDescendants(running.pid)).map(({ pid }) => pid)];
}

const hasCurl = () => spawnSync("curl", ["--version"]).status === 0;

/** The shell blocks of that section, one after the other, as a reader would paste them. */
async function readmeTour(): Promise<string> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const section = readme.split("## Five minutes")[1]?.split("\n## ")[0] ?? "";
  const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block);
  expect(blocks).toHaveLength(2);
  return blocks.join("\n");
}

const stillRunning = (pids: readonly number[]) => async () =>
  (await findProcesses()).filter(({ pid }) => pids.includes(pid));

describe("earshot up", () => {
  test("takes the sample through the API to a printed result and a webhook with a right signature", async () => {
    up = spawnUp(env);
    await up.serving();
    const printed = up.output();
    expect(printed).toMatch(/loudness +-\d+\.\d LUFS/);
    expect(printed).toMatch(/speech +\d+\.\d\d s/);
    expect(printed).toMatch(/webhook +evt_\w+ received, its signature is right/);
    expect(printed).toMatch(
      /music\.tags, music\.mood, music\.embedding need weights under .*CC-BY-NC-SA-4\.0/,
    );
    expect(printed).toMatch(/models pull .*music\.mood .*--accept-licence CC-BY-NC-SA-4\.0/);
    expect(printed).not.toContain(await readKey(home));
  });

  test("keeps every secret in a file of 0600 and out of the environments of its processes", async () => {
    const names = [
      "api-key",
      "seal-keys",
      "url-key",
      "webhook-secret",
      "audit-key",
      "result-keys",
      "database-url-api",
      "database-url-worker",
    ];
    const modes = await Promise.all(names.map(async (name) => (await stat(join(home, name))).mode & 0o777));
    expect(modes).toEqual(names.map(() => 0o600));
    const secrets = await Promise.all(
      names.map(async (name) => (await readFile(join(home, name), "utf8")).trim()),
    );
    const pids = await Promise.all(
      ["entry.node", "analyze.main", "deliver.main", "queue.main"].map((main) => pidOf(up, main)),
    );
    const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, "utf8")));
    for (const environment of environments) {
      for (const secret of secrets) expect(environment).not.toContain(secret);
    }
  });

  test("serves submit --wait, whose stdout is the result alone", async () => {
    const run = await cli("submit", SAMPLE, "--tasks", "audio.features", "--wait", "--json");
    expect(run.status).toBe(0);
    const [result] = jsonLines(run) as [{ job_id: string }];
    expect(result).toMatchObject({
      input: { duration_seconds: 12.5 },
      results: [{ task: "audio.features" }],
    });
    jobId = result.job_id;
    expect(jsonLines(await cli("jobs", "get", jobId, "--json"))).toMatchObject([
      { id: jobId, status: "succeeded" },
    ]);
  });

  test("runs the tasks whose models are here where nobody says which", async () => {
    const run = await cli("submit", SAMPLE, "--wait", "--json");
    expect(jsonLines(run)).toMatchObject([
      { results: [{ task: "audio.features" }, { task: "speech.segments" }] },
    ]);
    expect(run.status).toBe(0);
  });

  test("finds the models of its home while it runs: one that is damaged fails alone, and the job is partial", async () => {
    await writeFile(join(home, "models", "msd-musicnn-1.onnx"), "damaged");
    const run = await cli("submit", SAMPLE, "--tasks", "audio.features,music.tags", "--wait", "--json");
    await rm(join(home, "models", "msd-musicnn-1.onnx"));
    expect(jsonLines(run)).toMatchObject([
      {
        results: [
          { task: "audio.features", status: "succeeded" },
          {
            task: "music.tags",
            status: "failed",
            error: {
              code: "model_unavailable",
              message: expect.stringContaining('"earshot models pull msd-musicnn-1'),
            },
          },
        ],
      },
    ]);
    expect(run.status).toBe(1);
  });

  // The tour is for people, who have curl; a bare machine may not.
  test.runIf(hasCurl())("does what the README's five minutes say, word for word", async () => {
    const script = (await readmeTour())
      .replaceAll(".earshot/api-key", join(home, "api-key"))
      .replaceAll("127.0.0.1:8787", `127.0.0.1:${env["EARSHOT_PORT"]}`);
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: ROOT });
    expect(stdout).toContain('"status":"succeeded"');
    expect(stdout).toMatch(/"task":"speech.segments","status":"succeeded".*"segments":\[\{"start":/);
    expect(stdout).toContain('"has_more"');
  });

  test("shows another account nothing of it", async () => {
    const sealKeys = parseSealKeys((await readFile(join(home, "seal-keys"), "utf8")).trim());
    const key = await newApiKey();
    await asOwner(async ({ db }) => {
      const { id: accountId } = await createAccount(db, sealKeys, "other");
      await insertApiKey(db, { accountId, name: "other", scopes: ["*"], expiresAt: null, key });
    });
    expect((await call(`/v1/jobs/${jobId}`, await readKey(home))).status).toBe(200);
    expect((await call(`/v1/jobs/${jobId}`, key.key)).status).toBe(404);
  });

  test("has keys made, listed, rotated and revoked while it runs", async () => {
    const [made] = jsonLines(
      await cli("keys", "create", "--name", "ci", "--scopes", "jobs:read", "--json"),
    ) as [{ id: string; key: string }];
    expect((await call("/v1/me", made.key)).status).toBe(200);
    const [listed] = jsonLines(await cli("keys", "list", "--json"));
    expect(listed).toContainEqual(
      expect.objectContaining({ id: made.id, name: "ci", scopes: ["jobs:read"] }),
    );
    const [next] = jsonLines(await cli("keys", "rotate", made.id, "--grace-hours", "1", "--json")) as [
      { key: string },
    ];
    for (const { key } of [made, next]) expect((await call("/v1/me", key)).status).toBe(200);
    expect((await cli("keys", "rotate", made.id)).status).toBe(1);
    expect((await cli("keys", "revoke", made.id)).status).toBe(0);
    expect((await call("/v1/me", made.key)).status).toBe(401);
    expect((await cli("keys", "revoke", made.id)).status).toBe(1);
  });

  test("keeps nothing of what was said in plain, in no file of its home", async () => {
    const tasks = "speech.segments,audio.features";
    const [whole] = jsonLines(await cli("submit", SAMPLE, "--tasks", tasks, "--wait", "--json")) as [
      { job_id: string; results: { task: string; segments: unknown }[] },
    ];
    const said = JSON.stringify(whole.results.find(({ task }) => task === "speech.segments")?.segments);
    expect(said).toContain('"start"');
    // What Postgres still holds in memory is written down, too.
    await asOwner(async ({ sql }) => {
      expect(
        await sql`select from task_results where task like 'speech.%' and body like '%"start"%'`,
      ).toHaveLength(0);
      await sql`checkpoint`;
    });
    const files = await readdir(home, { recursive: true, withFileTypes: true });
    const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    expect(paths.length).toBeGreaterThan(100);
    const holds = await Promise.all(paths.map(async (path) => (await readFile(path)).includes(said)));
    expect(paths.filter((_, index) => holds[index])).toEqual([]);
    // The search does find what is there: another task's result is not sealed.
    const features = await call(`/v1/jobs/${whole.job_id}/result/audio.features`, await readKey(home));
    const found = Buffer.from((await features.text()).slice(0, 80));
    const contents = await Promise.all(paths.map(async (path) => (await readFile(path)).includes(found)));
    expect(contents).toContain(true);
  });

  test("seals what is done, and finds what somebody does to the log behind its back", async () => {
    const verdict = async () =>
      jsonLines(await cli("audit", "verify", "--json"))[0] as { unsealed_rows: number };
    await until(async () => (await verdict()).unsealed_rows === 0, { describe: "the seals" });
    expect(await verdict()).toMatchObject({ ok: true, faults: [] });
    const kept = join(home, "kept-head");
    expect(await cli("audit", "verify", "--save-head", kept)).toMatchObject({ status: 0 });
    expect((await cli("audit", "verify", "--head", kept)).status).toBe(0);
    await asOwner(async ({ sql }) => {
      await sql.unsafe(
        "set session_replication_role = replica; update audit_log set target = 'x' where action = 'api_key.revoke'",
      );
    });
    const found = await cli("audit", "verify", "--json");
    expect(found.status).toBe(1);
    expect(jsonLines(found)).toMatchObject([{ ok: false, faults: [{ kind: "row_changed" }] }]);
  });

  test("lets the first owner in by a one-time file, which nobody else can read", async () => {
    const file = join(home, "first-owner");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const token = (await readFile(file, "utf8")).trim();
    const accept = () =>
      fetch(`http://127.0.0.1:${env["EARSHOT_PORT"]}/v1/auth/accept`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token, email: "me@example.com", password: "twelve characters" }),
      });
    expect((await accept()).status).toBe(201);
    expect((await accept()).status).toBe(401);
    const logs = await Promise.all(
      (await readdir(join(home, "logs"))).map((name) => readFile(join(home, "logs", name), "utf8")),
    );
    expect([...logs, up.output()].join()).not.toContain(token);
  });

  test("signs a terminal in that a person approves, and out again", async () => {
    const url = `http://127.0.0.1:${env["EARSHOT_PORT"]}`;
    const post = (path: string, body: string, headers: Record<string, string>) =>
      fetch(url + path, { method: "POST", body, headers });
    const person = { email: "me@example.com", password: "twelve characters" };
    const json = { "content-type": "application/json" };
    const signedIn = await post("/v1/auth/password", JSON.stringify(person), json);
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
    const terminal = cli("login");
    const code = await until(
      () => asOwner(async ({ sql }) => (await sql`select user_code from device_logins`)[0]?.["user_code"]),
      { describe: "a code" },
    );
    const form = new URLSearchParams({ user_code: String(code), decision: "approve" }).toString();
    const headers = { cookie, origin: url, "content-type": "application/x-www-form-urlencoded" };
    expect((await post("/v1/auth/device/decision", form, headers)).status).toBe(200);
    expect(await terminal).toMatchObject({ status: 0, stderr: expect.stringContaining(String(code)) });
    expect((await stat(join(home, "session"))).mode & 0o777).toBe(0o600);
    expect((await cli("jobs", "list")).status).toBe(0);
    expect((await cli("logout")).status).toBe(0);
    expect((await cli("logout")).status).toBe(3);
    expect((await cli("jobs", "list")).status).toBe(0);
  });

  test("has its signing keys rotated and revoked while it runs", async () => {
    const [{ key }] = jsonLines(await cli("keys", "create", "--json")) as [{ key: string }];
    const token = async () => {
      const response = await call("/v1/auth/token", key, { method: "POST" });
      return ((await response.json()) as { access_token: string }).access_token;
    };
    const statuses = async () => {
      const [rows] = jsonLines(await cli("keys", "signing", "--json")) as [{ kid: string; status: string }[]];
      return Object.fromEntries(rows.map(({ kid, status }) => [status, kid]));
    };
    const first = await token();
    expect((await cli("keys", "rotate-signing")).status).toBe(0);
    expect((await cli("keys", "rotate-signing")).status).toBe(1);
    const { signing = "" } = await statuses();
    expect(await statuses()).toEqual({ next: expect.any(String), signing: expect.any(String) });
    expect((await call("/v1/me", await token())).status).toBe(200);
    expect((await cli("keys", "revoke-signing", signing)).status).toBe(0);
    expect((await call("/v1/me", first)).status).toBe(401);
    expect((await call("/v1/me", await token())).status).toBe(200);
  });

  test("is given secrets in every place that a request has, and fails over some of them", async () => {
    const key = await readKey(home);
    const send = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${env["EARSHOT_PORT"]}${path}`, {
        ...init,
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...init.headers },
      });
    const job = (more: object) => ({
      method: "POST",
      body: JSON.stringify({
        input: { url: "https://example.invalid/a.wav" },
        tasks: ["audio.features"],
        ...more,
      }),
    });
    const statuses = [
      await send("/v1/me", { headers: { Authorization: `Bearer ${key.slice(0, 16)}${CANARY}` } }),
      await send("/v1/me", { headers: { Authorization: `Basic ${btoa(`a:${CANARY}`)}` } }),
      await send("/v1/me", { headers: { "X-Api-Key": CANARY, Cookie: `session=${CANARY}` } }),
      await send(`/v1/jobs?token=${CANARY}`),
      await send(`/v1/jobs/${CANARY}`),
      await send(`/${CANARY}?${CANARY}`),
      await send("/v1/jobs", { method: "POST", body: `{"${CANARY}` }),
      await send("/v1/jobs", job({ [CANARY]: CANARY })),
      await send("/v1/jobs", { ...job({ metadata: { a: CANARY } }), headers: { "Idempotency-Key": CANARY } }),
      await send("/v1/jobs", job({ input: { url: `https://example.invalid/a.wav?sig=${CANARY}` } })),
      await send(
        "/v1/jobs",
        job({
          webhook: { url: `https://example.invalid/hook?key=${CANARY}`, secret: `whsec_${btoa(CANARY)}` },
        }),
      ),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 200, 400, 404, 404, 400, 400, 202, 202, 202]);
    // A query that fails, with the secret among its parameters.
    await asOwner(async ({ sql }) => {
      await sql`revoke insert on jobs from earshot_api`;
      const response = await send("/v1/jobs", job({ metadata: { a: CANARY } }));
      const body = await response.text();
      await sql`grant insert on jobs to earshot_api`;
      expect([response.status, body.includes(CANARY)]).toEqual([500, false]);
    });
    // The worker, and the deliverer, have tried by then.
    await until(
      () =>
        asOwner(async ({ sql }) => {
          const failed = await sql`select from job_attempts where outcome in ('failed', 'retried')`;
          return failed.length >= 3;
        }),
      { describe: "inputs that could not be fetched" },
    );
  });

  test("is the only one in its home, and tells a second one which process it is", async () => {
    const second = await runCli(["up"], { env: { ...env, EARSHOT_PORT: String(await findFreePort()) } });
    expect(second.status).toBe(3);
    expect(second.stderr).toContain(`process ${up.pid}, at http://127.0.0.1:${env["EARSHOT_PORT"]}`);
    expect((await call("/readyz", "")).status).toBe(200);
  });

  test("starts again what was killed, be it the worker, the queue or Postgres, and jobs go on", async () => {
    const victims = [await pidOf(up, "analyze.main"), await pidOf(up, "queue.main"), await postmaster()];
    for (const pid of victims) process.kill(pid, "SIGKILL");
    await until(() => up.output().includes("Postgres is gone and is started again"), {
      describe: "the notice",
    });
    await until(async () => !victims.includes(await postmaster()), { describe: "another Postgres" });
    await until(async () => (await call("/readyz", "")).ok, {
      describe: "an API that is ready",
      timeoutMs: 20_000,
    });
    expect([await pidOf(up, "analyze.main"), await pidOf(up, "queue.main")]).not.toEqual(victims.slice(0, 2));
    const run = await cli("submit", SAMPLE, "--tasks", "audio.features", "--wait", "--json");
    expect(run.status).toBe(0);
  });

  test("killed by SIGKILL leaves processes that the next start ends or takes over, with all jobs", async () => {
    const before = await allOf(up);
    await up.end("SIGKILL");
    up = spawnUp(env, "--no-sample");
    await up.serving();
    const [adopted, ...children] = before;
    expect(await postmaster()).toBe(adopted);
    await expectNoProcess(stillRunning(children));
    expect((await call(`/v1/jobs/${jobId}`, await readKey(home))).status).toBe(200);
  });

  test("gives a process another password: the old one opens nothing any more, and what is open stays", async () => {
    const before = (await readFile(join(home, "database-url-deliver"), "utf8")).trim();
    const out = join(home, "deliver.new");
    const open = openDatabase({ url: before, name: "test", max: 1 });
    const session = async () => (await open.sql`select pg_backend_pid() as pid`)[0]?.["pid"];
    const pid = await session();
    expect(await cli("database", "login", "deliver", "--out", out)).toMatchObject({ status: 0 });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const opens = async (url: string) => {
      const { sql, close } = openDatabase({ url, name: "test", max: 1 });
      const [row] = await sql`select current_user as login`.finally(close);
      return row?.["login"];
    };
    expect(await opens((await readFile(out, "utf8")).trim())).toBe("earshot_deliver");
    await expect(opens(before)).rejects.toMatchObject({ code: "28P01" });
    expect(await session().finally(open.close)).toBe(pid);
  });

  test("stops on SIGTERM, twice at that, within ten seconds with status 0, and leaves no process", async () => {
    const before = await allOf(up);
    up.child.kill("SIGTERM");
    const { status, seconds } = await up.end("SIGTERM");
    expect(status).toBe(0);
    expect(seconds).toBeLessThan(10);
    await expectNoProcess(stillRunning(before));
  });

  test("has written no secret into any log: none that it was given, and none of its own", async () => {
    const logs = await readdir(join(home, "logs"));
    const texts = await Promise.all(
      [...logs.map((log) => join(home, "logs", log)), join(home, "pg", "postgres.log")].map((file) =>
        readFile(file, "utf8"),
      ),
    );
    const written = [up.output(), ...texts].join("\n");
    expect(written).toContain('"event":"request"');
    expect(written).toContain('"status":500');
    const files = await Promise.all(
      [
        "api-key",
        "seal-keys",
        "result-keys",
        "audit-key",
        "url-key",
        "webhook-secret",
        "postgres-password",
      ].map(async (name) => (await readFile(join(home, name), "utf8")).trim()),
    );
    const own = files.flatMap((text) => text.split(/[,:]/)).filter((part) => part.length > 8);
    expect(own).toHaveLength(7);
    for (const secret of [CANARY, btoa(CANARY), ...own]) expect(written.includes(secret), secret).toBe(false);
  });

  test("finds what was there when it starts again", async () => {
    up = spawnUp(env, "--no-sample");
    await up.serving();
    expect((await call(`/v1/jobs/${jobId}/result`, await readKey(home))).status).toBe(200);
    expect((await up.end("SIGINT")).status).toBe(0);
  });
});

test("a taken port is told before anything is started, with status 3", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const address = blocker.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const elsewhere = join(directory, "elsewhere");
  const run = await runCli(["up"], { env: { EARSHOT_HOME: elsewhere, EARSHOT_PORT: String(port) } });
  blocker.close();
  expect(run.status).toBe(3);
  expect(run.stderr).toBe(
    `earshot: Port ${port} on 127.0.0.1 is taken by another program. Choose one that is free: EARSHOT_PORT=${port + 1} npm start\n`,
  );
  await expectNoProcess(() => findByCommand(elsewhere));
});

test("without a stack, keys and submit say how to start one, with status 3", async () => {
  const nowhere = {
    env: { EARSHOT_HOME: join(directory, "nowhere"), EARSHOT_PORT: String(await findFreePort()) },
  };
  for (const args of [
    ["keys", "list", "--json"],
    ["submit", SAMPLE, "--json"],
  ]) {
    const run = await runCli(args, nowhere);
    expect(run.status).toBe(3);
    expect(jsonLines(run)).toMatchObject([
      { error: { code: "missing", message: expect.stringContaining("npm start") } },
    ]);
  }
});

import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newApiKey } from "@earshot/shared/crypto/api-keys";
import { parseBoxKey, signAssertion } from "@earshot/shared/crypto/box-assertions";
import { insertApiKey } from "@earshot/shared/db/api-keys";
import { until } from "@earshot/testkit/until";
import { startTestStack } from "@earshot/worker/testing/test-stack";
import type { TestStack } from "@earshot/worker/testing/test-stack";
import { startWorkerProcess } from "@earshot/worker/testing/worker-process";
import type { WorkerProcess } from "@earshot/worker/testing/worker-process";
import { runCli, SAMPLE } from "./testing/run-cli.ts";
import type { CliRun } from "./testing/run-cli.ts";

const API = fileURLToPath(import.meta.resolve("@earshot/api/entry.node"));
/** What both servers are to their clients. */
const PUBLIC_URL = "https://earshot.test";

const parts = new AsyncDisposableStack();
let stack: TestStack;
let home: string;
let apis: [string, string];
let cliEnv: Record<string, string>;

beforeAll(async () => {
  stack = parts.use(await startTestStack());
  home = await mkdtemp(join(tmpdir(), "earshot-test-boxes-"));
  parts.defer(() => rm(home, { recursive: true, force: true }));
  const key = await newApiKey();
  await insertApiKey(stack.db, {
    accountId: stack.accountId,
    name: "x",
    scopes: ["*"],
    expiresAt: null,
    key,
  });
  apis = await Promise.all([startApi(), startApi()]);
  cliEnv = { EARSHOT_URL: apis[0], EARSHOT_API_KEY: key.key, EARSHOT_HOME: home };
}, 60_000);
afterAll(() => parts.disposeAsync());

async function startApi(): Promise<string> {
  const child = fork(API, {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: {
      PATH: process.env["PATH"],
      EARSHOT_PORT: "0",
      EARSHOT_PUBLIC_URL: PUBLIC_URL,
      EARSHOT_DATABASE_URL: stack.database.urls.api,
      EARSHOT_QUEUE_URL: stack.queue.url,
      EARSHOT_QUEUE_ENDPOINT: stack.queue.endpoint,
      EARSHOT_BLOBS: stack.blobs,
      EARSHOT_SEAL_KEYS: stack.sealKeys,
      EARSHOT_URL_KEY: Buffer.alloc(32, 7).toString("base64"),
    },
  });
  parts.defer(() => end(child));
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return `http://127.0.0.1:${port}`;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

async function cli(...args: string[]): Promise<CliRun> {
  const run = await runCli(args, { env: cliEnv });
  expect(run, args.join(" ")).toMatchObject({ status: 0, stderr: "" });
  return run;
}

interface EnrolledBox {
  id: string;
  file: string;
}

async function enrol(name: string): Promise<EnrolledBox> {
  const code = (await cli("boxes", "invite", "--name", name)).stdout.trim();
  const file = join(home, name);
  const run = await cli("worker", "enrol", "--code", code, "--api", apis[0], "--out", file, "--json");
  return JSON.parse(run.stdout) as EnrolledBox;
}

/** As it runs on a machine that has nothing but its key. */
async function startBox({ file }: EnrolledBox, env: Record<string, string> = {}): Promise<WorkerProcess> {
  return parts.use(
    await startWorkerProcess(stack, {
      EARSHOT_DATABASE_URL: "",
      EARSHOT_QUEUE_URL: "",
      EARSHOT_QUEUE_ENDPOINT: "",
      EARSHOT_SEAL_KEYS: "",
      EARSHOT_BOX_KEY_FILE: file,
      EARSHOT_LEASE_SECONDS: "2",
      ...env,
    }),
  );
}

test("a machine makes its own key, which nobody else can read and no server sees", async () => {
  const { id, file } = await enrol("a-key");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const key = parseBoxKey(await readFile(file, "utf8"));
  expect(key).toMatchObject({ box_id: id, api: apis[0], audience: `${PUBLIC_URL}/v1/boxes/token` });
  const [row] = await stack.sql<
    { public: string }[]
  >`select public_jwk as public from boxes where id = ${id}`;
  expect(JSON.parse(row?.public ?? "")).toEqual({ kty: "OKP", crv: "Ed25519", x: key.private_jwk.x });
  const again = await runCli(["worker", "enrol", "--code", "eb_x", "--api", apis[0], "--out", file], {
    env: cliEnv,
  });
  expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining("holds a key already") });
  const plain = await runCli(["worker", "enrol", "--code", "eb_x", "--api", "http://192.0.2.1"], {
    env: cliEnv,
  });
  expect(plain).toMatchObject({ status: 2, stderr: expect.stringContaining("is not an https URL") });
});

test("an assertion that two processes see at once is good at one of them", async () => {
  const { file } = await enrol("a-replay");
  const key = parseBoxKey(await readFile(file, "utf8"));
  for (let round = 0; round < 5; round++) {
    const body = JSON.stringify({ assertion: await signAssertion(key) });
    const ask = (api: string) =>
      fetch(`${api}/v1/boxes/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    const answers = await Promise.all([...apis, ...apis].map(ask));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
  }
});

test("a box that is revoked in the middle of a job takes and writes no more, and another does the job, once", async () => {
  const [first, second] = [await enrol("box-1"), await enrol("box-2")];
  await using input = await startHeldInput();
  const revoked = await startBox(first);

  const job = await stack.submitAndRing({ inputUrl: input.url, tasks: ["audio.features"] });
  await input.asked(1);
  await cli("boxes", "revoke", first.id);
  expect((await cli("boxes", "list")).stdout).toMatch(new RegExp(`^${first.id}  revoked `, "m"));
  const other = await startBox(second);
  input.release();

  const done = await stack.stateOf(job);
  expect(done.status).toBe("succeeded");
  const attempts = await stack.sql<{ worker: string; attempt: number; outcome: string }[]>`
    select worker_id as worker, attempt, outcome from job_attempts where job_id = ${job} order by attempt`;
  expect(attempts.map(({ worker }) => worker.split("/")[1])).toEqual([first.id, second.id]);
  expect(attempts.at(-1)?.outcome).toBe("succeeded");
  expect(await stack.sql`select attempt from task_results where job_id = ${job}`).toEqual([{ attempt: 2 }]);
  expect(await stack.sql`select type from events where job_id = ${job}`).toEqual([{ type: "job.succeeded" }]);

  expect(await revoked.ended()).toBe(77);
  expect(revoked.log()).toContain("box_revoked");
  const next = await stack.submitAndRing({ inputUrl: input.url, tasks: ["audio.features"] });
  expect((await stack.stateOf(next)).workerId?.split("/")[1] ?? second.id).toBe(second.id);
  expect(await other.drain()).toBe(0);

  const actions = await stack.sql`
    select action, actor_kind from audit_log where target = ${first.id} order by id`;
  expect(actions).toEqual([
    { action: "box.enrol", actor_kind: "anonymous" },
    { action: "box.token", actor_kind: "box" },
    { action: "box.revoke", actor_kind: "api_key" },
  ]);
}, 60_000);

/** Audio that is not sent before somebody says so. */
async function startHeldInput() {
  let requests = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const server = createServer(async (_, response) => {
    requests += 1;
    await released;
    response.writeHead(200, { "content-type": "audio/flac" });
    createReadStream(SAMPLE)
      .on("error", () => response.destroy())
      .pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.flac`,
    asked: (times: number) => until(() => requests >= times, { describe: "the input to be asked for" }),
    release,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

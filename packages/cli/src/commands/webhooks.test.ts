import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { startReceiver } from "@earshot/testkit/receiver";
import { until } from "@earshot/testkit/until";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFreePort } from "../stack/postgres-port.ts";
import { jsonLines, runCli, SAMPLE, spawnCli } from "./testing/run-cli.ts";
import { pidOf, spawnUp } from "./testing/up.ts";
import type { Up } from "./testing/up.ts";

let directory: string;
let env: Record<string, string>;
let up: Up;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-webhooks-"));
  // Root's Postgres runs as somebody else, who has to pass.
  await chmod(directory, 0o711);
  env = {
    EARSHOT_HOME: join(directory, "home"),
    EARSHOT_PORT: String(await findFreePort()),
    EARSHOT_LANES: "1",
    EARSHOT_ALLOW_LOOPBACK: "1",
  };
  up = spawnUp(env);
  await up.serving();
}, 120_000);
afterAll(async () => {
  await up.end("SIGTERM");
  await rm(directory, { recursive: true, force: true });
});

const cli = (...args: string[]) => runCli(args, { env });

interface Answer {
  id: string;
  secret: string;
  event_id: string;
}

async function jsonOf(...args: string[]): Promise<Answer> {
  const run = await cli(...args, "--json");
  expect(run, run.stdout).toMatchObject({ status: 0 });
  return jsonLines(run)[0] as Answer;
}

const submitSample = () => jsonOf("submit", SAMPLE, "--tasks", "speech.segments");

/** A running `earshot webhooks listen`, and what it has printed so far. */
function startListening(...args: string[]) {
  const child = spawnCli(["webhooks", "listen", ...args], { env });
  const printed = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (printed.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (printed.err += text));
  const exited = once(child, "exit");
  return {
    printed,
    says: (text: string | RegExp, where: "out" | "err" = "out") =>
      until(() => printed[where].match(text), { timeoutMs: 50_000, describe: `it says ${text}` }),
    async interrupt(): Promise<unknown> {
      child.kill("SIGINT");
      return (await exited)[0];
    },
  };
}

describe("earshot webhooks listen", () => {
  test("passes events on with a signature that an independent library accepts, outlives its API, and ends well", async () => {
    await using app = await startReceiver();
    const listening = startListening("--forward-to", `${app.url}/hook`, "--events", "job.succeeded");
    const [, secret = ""] = await listening.says(/secret of this session: (whsec_\S+)/, "err");
    await listening.says("Passing events on to", "err");
    // It listens from its first answer on: what happens before is not its.
    const first = await untilHeard(listening, app);
    const verified = new Webhook(secret).verify(first.body, first.headers as Record<string, string>);
    expect(verified).toMatchObject({ type: "job.succeeded" });
    expect(first).toMatchObject({ method: "POST", path: "/hook" });
    expect(first.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": "Earshot-Webhooks/1",
    });
    await listening.says(/^job\.succeeded  evt_\w+  200  \d+ ms$/m);

    process.kill(await pidOf(up, "entry.node"), "SIGKILL");
    await listening.says("Trying again until it is back", "err");
    await until(async () => (await cli("jobs", "list")).status === 0, {
      timeoutMs: 50_000,
      describe: "the API is back",
    });
    const before = app.requests.length;
    const { id } = await submitSample();
    await until(() => app.requests.slice(before).some(({ body }) => body.includes(id)), {
      timeoutMs: 50_000,
      describe: "an event after the restart",
    });
    expect(await listening.interrupt()).toBe(0);
  }, 180_000);

  test("tells as JSON of an app that is not there, and goes on", async () => {
    const secretFile = join(directory, "secret");
    await writeFile(secretFile, newWebhookSecret(), { mode: 0o600 });
    const nobody = `http://127.0.0.1:${await findFreePort()}/`;
    // From the first event of the account on.
    const listening = startListening(
      "--forward-to",
      nobody,
      "--after",
      "0",
      "--secret-file",
      secretFile,
      "--json",
    );
    await until(() => listening.printed.out.split("\n").length > 2, {
      timeoutMs: 50_000,
      describe: "two lines",
    });
    const [line = ""] = listening.printed.out.split("\n");
    expect(JSON.parse(line)).toEqual({
      id: expect.stringMatching(/^evt_/),
      type: expect.any(String),
      sequence: expect.any(Number),
      status: null,
      error: "ECONNREFUSED",
      latency_ms: expect.any(Number),
    });
    expect(listening.printed.err).not.toContain("whsec_");
    expect(await listening.interrupt()).toBe(0);
  }, 120_000);

  test.each([
    [["--forward-to", "localhost:3000"], "not an http URL"],
    [["--forward-to", "http://127.0.0.1:1/", "--events", "job.nope"], 'no event "job.nope"'],
    [["--forward-to", "http://127.0.0.1:1/", "--after", "x"], "sequence"],
    [[], "--forward-to"],
  ])("with %j is wrong usage", async (args, told) => {
    const { status, stderr } = await cli("webhooks", "listen", ...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(told)]);
  });
});

/** Submits samples until one is heard: the listener may begin to listen only after an earlier one's end. */
async function untilHeard(
  listening: ReturnType<typeof startListening>,
  app: Awaited<ReturnType<typeof startReceiver>>,
) {
  for (let tries = 0; tries < 5; tries++) {
    await submitSample();
    const heard = await app.next(undefined, { timeoutMs: 10_000 }).catch(() => null);
    if (heard !== null) return heard;
  }
  throw new Error(`nothing was heard: ${listening.printed.err}`);
}

describe("earshot webhooks", () => {
  test("makes an endpoint, tests it, shows what was sent, sends it once more, and removes it", async () => {
    await using app = await startReceiver();
    const made = await jsonOf("webhooks", "create", `${app.url}/hook`, "--events", "job.failed");
    const { event_id: eventId } = await jsonOf("webhooks", "test", made.id);
    const sent = await app.next(undefined, { timeoutMs: 50_000 });
    new Webhook(made.secret).verify(sent.body, sent.headers as Record<string, string>);
    expect(sent.headers["webhook-id"]).toBe(eventId);

    expect((await cli("webhooks", "list")).stdout).toContain(
      `${made.id}  enabled  ${app.url}/hook  job.failed`,
    );
    await until(async () => (await cli("webhooks", "attempts", made.id)).stdout.includes("attempt 1: 200"), {
      timeoutMs: 30_000,
      describe: "the attempt is shown",
    });
    expect((await cli("webhooks", "attempts", eventId)).stdout).toMatch(
      /succeeded  http.*\n {2}.*attempt 1: 200/,
    );

    await jsonOf("webhooks", "redeliver", eventId, "--endpoint", made.id);
    const again = await app.next(undefined, { timeoutMs: 50_000 });
    expect(again.headers["webhook-id"]).toBe(eventId);
    expect(again.body).toBe(sent.body);

    expect((await cli("webhooks", "delete", made.id)).stdout).toBe(`deleted ${made.id}\n`);
    expect((await cli("webhooks", "test", made.id)).status).toBe(1);
  }, 120_000);
});

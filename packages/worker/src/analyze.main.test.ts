import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@earshot/shared/db/database";
import { expectNoProcess, findProcesses } from "@earshot/testkit/processes";
import { startRestartablePostgres } from "@earshot/testkit/restartable-postgres";
import { startReceiver } from "@earshot/testkit/receiver";
import { until } from "@earshot/testkit/until";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeLongFlac, writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";
import { startWorkerProcess } from "./testing/worker-process.ts";
import type { WorkerProcess } from "./testing/worker-process.ts";

let directory: string;
let tone: string;
let long: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-test-"));
  tone = await writeToneWav(join(directory, "tone.wav"), { seconds: 2, sampleRateHz: 16_000 });
  long = await writeLongFlac(join(directory, "long.flac"), 600);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function expectOneResult(stack: TestStack, jobId: string, attempt: number): Promise<void> {
  const job = await stack.stateOf(jobId);
  expect(job).toMatchObject({ status: "succeeded", attempt, errorCode: null });
  const results = await stack.results(jobId);
  expect(results.map((result) => result.attempt)).toEqual(results.map(() => attempt));
  expect(results).toHaveLength(job.tasks.length);
}

/** Kills it, and shows that neither its lanes nor its decoder outlive it. */
async function killWithChildren(worker: WorkerProcess): Promise<void> {
  const pids = (await worker.children()).map((child) => child.pid);
  expect(pids.length).toBeGreaterThan(0);
  await worker.kill();
  // What the test itself had stopped can only die once it goes on.
  for (const pid of pids) signalIfThere(pid, "SIGCONT");
  await expectNoProcess(async () => (await findProcesses()).filter(({ pid }) => pids.includes(pid)), {
    timeoutMs: 10_000,
  });
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

async function continueChildren(worker: WorkerProcess): Promise<void> {
  for (const { pid } of await worker.children()) signalIfThere(pid, "SIGCONT");
}

async function stopChildren(worker: WorkerProcess, command: RegExp): Promise<void> {
  const found = await until(
    async () => {
      const children = (await worker.children()).filter((child) => command.test(child.command));
      return children.length > 0 ? children : null;
    },
    { describe: `a child that matches ${command}` },
  );
  for (const { pid } of found) process.kill(pid, "SIGSTOP");
}

describe("a worker killed with SIGKILL", () => {
  test("while it fetches: another one does the job, once, and its webhook comes", async () => {
    await using stack = await startTestStack();
    await using receiver = await startReceiver();
    await using deliverer = await startWorkerProcess(stack, {}, "deliver");
    const source = await startStallingServer(tone);
    try {
      const worker = await startWorkerProcess(stack);
      const id = await stack.submitAndRing({
        inputUrl: source.url,
        tasks: ["speech.segments", "audio.features"],
        webhookUrl: `${receiver.url}/hook`,
      });
      await source.asked();
      await killWithChildren(worker);
      await stack.expireLease(id);
      source.serve();

      await using next = await startWorkerProcess(stack);
      await expectOneResult(stack, id, 2);

      const hook = await receiver.next();
      const verified = new Webhook(stack.webhookSecret).verify(
        hook.body,
        hook.headers as Record<string, string>,
      );
      expect(verified).toMatchObject({
        type: "job.succeeded",
        data: { id, status: "succeeded", attempt: 2 },
      });
      expect(await next.drain()).toBe(0);
      expect(await deliverer.drain()).toBe(0);
      expect(receiver.requests).toHaveLength(1);
    } finally {
      source.server.closeAllConnections();
      source.server.close();
    }
  });

  test("while it decodes: another one does the job, once", async () => {
    await using stack = await startTestStack();
    const worker = await startWorkerProcess(stack);
    const id = await stack.submitAndRing({ uploadId: await stack.upload(long) });
    await stopChildren(worker, /ffmpeg .*pipe:/);
    expect((await stack.job(id)).status).toBe("running");
    await killWithChildren(worker);
    await stack.expireLease(id);

    await using next = await startWorkerProcess(stack);
    await expectOneResult(stack, id, 2);
    expect(next.log()).toContain("job_settled");
  });

  test("while a model runs: another one does the job, once", async () => {
    await using stack = await startTestStack();
    const worker = await startWorkerProcess(stack);
    await stopChildren(worker, /lane\.main/);
    const id = await stack.submitAndRing({ uploadId: await stack.upload(tone), tasks: ["speech.segments"] });
    await stack.stateOf(id, ["running"]);
    await until(async () => (await stack.job(id)).progressStage !== "claimed", { describe: "progress" });
    await killWithChildren(worker);
    await stack.expireLease(id);

    await using next = await startWorkerProcess(stack);
    await expectOneResult(stack, id, 2);
    expect(next.log()).toContain("job_settled");
  });

  test("while it commits: nothing of the lost transaction is left, and another one does the job, once", async () => {
    await using stack = await startTestStack();
    const holder = openDatabase({ url: stack.database.urls.owner, name: "holder", max: 1 });
    const worker = await startWorkerProcess(stack);
    let id = "";
    await holder.sql.begin(async (tx) => {
      await tx`lock table task_results in exclusive mode`;
      id = await stack.submitAndRing({ uploadId: await stack.upload(tone) });
      await until(async () => (await blockedOn(stack, "task_results")) > 0, {
        describe: "a commit that waits",
      });
      await killWithChildren(worker);
    });
    await holder.close();
    await stack.expireLease(id);

    await using next = await startWorkerProcess(stack);
    await expectOneResult(stack, id, 2);
    expect(next.log()).toContain("job_settled");
  });
});

test("a worker that was away too long writes nothing: the other one's result stands", async () => {
  await using stack = await startTestStack();
  await using stale = await startWorkerProcess(stack);
  await stopChildren(stale, /lane\.main/);
  const id = await stack.submitAndRing({ uploadId: await stack.upload(tone), tasks: ["speech.segments"] });
  await stack.stateOf(id, ["running"]);
  process.kill(stale.pid, "SIGSTOP");
  await stack.expireLease(id);

  await using other = await startWorkerProcess(stack);
  await expectOneResult(stack, id, 2);
  const [before] = await stack.results(id);

  process.kill(stale.pid, "SIGCONT");
  await continueChildren(stale);
  await until(() => stale.log().includes("job_settled"), { describe: "the stale worker to notice" });
  expect(stale.log()).toMatch(/"outcome":"(dropped|database_lost)"/);
  expect(await stack.results(id)).toEqual([before]);
  expect(await stack.job(id)).toMatchObject({ status: "succeeded", attempt: 2 });
  expect(other.log()).toContain('"outcome":"succeeded"');
});

test("one message delivered three times at once is analysed once", async () => {
  await using stack = await startTestStack();
  await using first = await startWorkerProcess(stack);
  await using second = await startWorkerProcess(stack);
  const id = await stack.submit({ uploadId: await stack.upload(tone) });
  await Promise.all([stack.ring(id), stack.ring(id), stack.ring(id)]);
  await expectOneResult(stack, id, 1);
  await until(() => ignoredBells(first) + ignoredBells(second) === 2, {
    describe: "both other bells to be ignored",
  });
});

test("a job whose bell was never rung runs once its time has come", async () => {
  await using stack = await startTestStack();
  const id = await stack.submit({ uploadId: await stack.upload(tone) });
  const { claimableAt, createdAt } = await stack.job(id);
  expect(claimableAt.getTime() - createdAt.getTime()).toBe(30_000);
  await using worker = await startWorkerProcess(stack);
  await stack.sql`update jobs set claimable_at = now() where id = ${id}`;
  await expectOneResult(stack, id, 1);
  expect(ignoredBells(worker)).toBe(0);
});

test("the queue restarts with 100 jobs in it: all of them finish", async () => {
  await using stack = await startTestStack();
  const uploadId = await stack.upload(
    await writeToneWav(join(directory, "blip.wav"), { seconds: 0.5, sampleRateHz: 16_000 }),
  );
  const ids = await Promise.all(Array.from({ length: 100 }, () => stack.submitAndRing({ uploadId })));
  await using worker = await startWorkerProcess(stack);
  await until(async () => (await countOf(stack, "succeeded")) >= 5, { describe: "the first five" });
  await stack.queue.restart();
  // What no bell announces any more is taken from the table once its grace is over.
  await stack.sql`update jobs set claimable_at = now() where status = 'queued'`;
  await until(async () => (await countOf(stack, "succeeded")) === 100, {
    timeoutMs: 110_000,
    describe: "all hundred",
  });
  expect(await countOf(stack, "succeeded", "attempt = 1")).toBe(100);
  expect(ids).toHaveLength(100);
  expect(await worker.drain()).toBe(0);
}, 120_000);

test("Postgres restarts in the middle of a job: nothing is lost, and no attempt is wasted", async () => {
  await using server = await startRestartablePostgres();
  await using stack = await startTestStack({ database: server });
  await using worker = await startWorkerProcess(stack);
  await stopChildren(worker, /lane\.main/);
  const id = await stack.submitAndRing({ uploadId: await stack.upload(tone), tasks: ["speech.segments"] });
  await stack.stateOf(id, ["running"]);
  await server.restart();
  await continueChildren(worker);
  await expectOneResult(stack, id, 1);
});

test("a drain hands the job back at once and costs it nothing", async () => {
  await using stack = await startTestStack();
  await using worker = await startWorkerProcess(stack);
  await stopChildren(worker, /lane\.main/);
  const id = await stack.submitAndRing({ uploadId: await stack.upload(tone), tasks: ["speech.segments"] });
  await stack.stateOf(id, ["running"]);
  const started = performance.now();
  expect(await worker.drain()).toBe(0);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(await stack.job(id)).toMatchObject({ status: "queued", attempt: 1, leaseToken: null });
  const [attempt] = await stack.sql`select outcome, charged from job_attempts where job_id = ${id}`;
  expect(attempt).toEqual({ outcome: "handed_back", charged: false });

  await using next = await startWorkerProcess(stack);
  await expectOneResult(stack, id, 2);
  expect(ignoredBells(next)).toBe(0);
});

const ignoredBells = (worker: WorkerProcess) => worker.log().split("bell_ignored").length - 1;

async function countOf(stack: TestStack, status: string, condition = "true"): Promise<number> {
  const [row] = await stack.sql<
    { count: number }[]
  >`select count(*)::int as count from jobs where status = ${status} and ${stack.sql.unsafe(condition)}`;
  return row?.count ?? 0;
}

async function blockedOn(stack: TestStack, table: string): Promise<number> {
  const [row] = await stack.sql<
    { count: number }[]
  >`select count(*)::int as count from pg_locks where not granted and relation = ${table}::regclass`;
  return row?.count ?? 0;
}

/** Says the length of a file, sends half of it and no more, until it is told to serve. */
async function startStallingServer(file: string) {
  const bytes = await readFile(file);
  let stalls = true;
  let requests = 0;
  const server: Server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { "content-length": bytes.length });
    if (stalls) response.write(bytes.subarray(0, bytes.length / 2));
    else response.end(bytes);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    url: `http://127.0.0.1:${port}/tone.wav`,
    asked: () => until(() => requests > 0, { describe: "the worker to ask for the file" }),
    serve() {
      stalls = false;
      server.closeAllConnections();
    },
  };
}

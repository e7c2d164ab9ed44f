import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MODEL_MANIFEST } from "@earshot/shared/domain/models";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";
import { startWorkerProcess } from "./testing/worker-process.ts";
import type { WorkerProcess } from "./testing/worker-process.ts";

let stack: TestStack;
let directory: string;
let uploadId: string;
beforeAll(async () => {
  stack = await startTestStack();
  directory = await mkdtemp(join(tmpdir(), "earshot-test-reload-"));
  uploadId = await stack.upload(
    await writeToneWav(join(directory, "tone.wav"), { seconds: 1, sampleRateHz: 16_000 }),
  );
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Has the worker read these settings, and waits until it has said what came of it. */
async function reload(worker: WorkerProcess, settings: Readonly<Record<string, string>>) {
  const before = (await worker.status()).reload?.at;
  const lines = Object.entries(settings).map(([name, value]) => `EARSHOT_${name}=${value}\n`);
  await writeFile(worker.envFile, lines.join(""));
  process.kill(worker.pid, "SIGHUP");
  return until(
    async () => {
      const { reload } = await worker.status();
      return reload !== null && reload.at !== before ? reload : null;
    },
    { describe: "the worker to have read its settings" },
  );
}

const lanesOf = async (worker: WorkerProcess) =>
  (await worker.children()).filter(({ command }) => command.includes("lane.main")).map(({ pid }) => pid);

/** The model of speech.segments under another version, before the published one. */
async function writeManifest(version: string): Promise<string> {
  const { models } = MODEL_MANIFEST as { models: { id: string }[] };
  const silero = models.find(({ id }) => id === "silero_vad");
  const file = join(directory, `models-${version}.json`);
  await writeFile(file, JSON.stringify({ models: [{ ...silero, version }] }));
  return file;
}

test("at a SIGHUP settings and models are taken over: a job at work stays as it began, the next has them", async () => {
  await using worker = await startWorkerProcess(stack);
  const [lane = 0] = await lanesOf(worker);
  process.kill(lane, "SIGSTOP");
  const running = await stack.submitAndRing({ uploadId, tasks: ["speech.segments"] });
  await until(async () => (await worker.status()).lanes.busy === 1, {
    describe: "the lane to have its call",
  });

  const taken = await reload(worker, {
    LANES: "2",
    MODELS_MANIFEST: await writeManifest("6.3"),
    LANE_THREADS: "2",
    QUEUE_ENDPOINT: "http://127.0.0.1:9/",
  });
  expect(taken).toMatchObject({
    changed: ["EARSHOT_LANES", "EARSHOT_MODELS_MANIFEST"],
    need_restart: ["EARSHOT_LANE_THREADS", "EARSHOT_QUEUE_ENDPOINT"],
    error: null,
  });
  expect(worker.log()).toMatch(/"event":"reloaded".*"need_restart":\["EARSHOT_LANE_THREADS"/);

  const next = await stack.submitAndRing({ uploadId, tasks: ["speech.segments"] });
  expect(await stack.stateOf(next)).toMatchObject({ status: "succeeded", attempt: 1 });
  expect(await stack.results(next)).toMatchObject([{ model: "silero_vad", version: "6.3" }]);
  expect((await stack.job(running)).status).toBe("running");
  expect(await lanesOf(worker)).toEqual([lane, expect.any(Number)]);

  process.kill(lane, "SIGCONT");
  expect(await stack.stateOf(running)).toMatchObject({ status: "succeeded", attempt: 1 });
  expect(await stack.results(running)).toMatchObject([{ model: "silero_vad", version: "6.2" }]);
  expect((await worker.status()).models.map(({ model }) => model)).toEqual([
    "silero_vad@6.2",
    "silero_vad@6.3",
  ]);

  await reload(worker, { LANES: "1" });
  await until(async () => (await lanesOf(worker)).length === 1, { describe: "the second lane to go" });
  const last = await stack.submitAndRing({ uploadId, tasks: ["speech.segments"] });
  expect(await stack.stateOf(last)).toMatchObject({ status: "succeeded" });
  expect(await stack.results(last)).toMatchObject([{ version: "6.2" }]);
  expect((await worker.status()).lanes).toMatchObject({ wanted: 1, alive: 1, crashed: 0, killed: 0 });
  expect(await worker.drain()).toBe(0);
});

test("settings that are wrong change nothing, and the log and the status say why", async () => {
  await using worker = await startWorkerProcess(stack);
  const { error } = await reload(worker, { LANES: "many", ACCOUNT_JOBS: "1" });
  expect(error).toContain("EARSHOT_LANES");
  expect(worker.log()).toContain("reload_refused");
  const broken = join(directory, "broken.json");
  await writeFile(broken, JSON.stringify({ models: [{ id: "silero_vad" }] }));
  expect((await reload(worker, { LANES: "2", MODELS_MANIFEST: broken })).error).toContain("broken.json");
  expect(await lanesOf(worker)).toHaveLength(1);
  const id = await stack.submitAndRing({ uploadId, tasks: ["speech.segments"] });
  expect(await stack.stateOf(id)).toMatchObject({ status: "succeeded" });
  // Killed, it would leave a poll at the queue that swallows the next test's bell.
  expect(await worker.drain()).toBe(0);
});

test("the log says less from the next line on where it is told so", async () => {
  await using worker = await startWorkerProcess(stack);
  await reload(worker, { LOG_LEVEL: "warn" });
  const id = await stack.submitAndRing({ uploadId });
  await stack.stateOf(id);
  expect(await worker.drain()).toBe(0);
  expect(worker.log()).not.toContain("job_settled");
});

test("a SIGHUP that comes while the worker still loads its code is taken once it is there, and ends nothing", async () => {
  const hook = join(directory, "hang-up-while-loading.mjs");
  await writeFile(
    hook,
    `import { registerHooks } from "node:module";
    let isSent = false;
    registerHooks({ load(url, context, next) {
      if (!isSent && url.endsWith("/run-worker.ts")) process.kill(process.pid, "SIGHUP");
      isSent ||= url.endsWith("/run-worker.ts");
      return next(url, context);
    } });`,
  );
  await using worker = await startWorkerProcess(stack, { NODE_OPTIONS: `--import=${hook}` });
  const taken = await until(async () => (await worker.status()).reload, {
    describe: "the worker to have read its settings again",
  });
  expect(taken).toMatchObject({ changed: [], error: null });
  expect(await worker.drain()).toBe(0);
});

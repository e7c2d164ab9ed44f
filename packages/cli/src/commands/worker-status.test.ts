import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@earshot/testkit/until";
import { writeToneWav } from "@earshot/worker/testing/make-audio";
import { startTestStack } from "@earshot/worker/testing/test-stack";
import type { TestStack } from "@earshot/worker/testing/test-stack";
import { startWorkerProcess } from "@earshot/worker/testing/worker-process";
import { workerStatus } from "@earshot/worker/worker-status";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runCli } from "./testing/run-cli.ts";

let stack: TestStack;
let directory: string;
beforeAll(async () => {
  stack = await startTestStack();
  directory = await mkdtemp(join(tmpdir(), "earshot-test-worker-status-"));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const status = (home: string, ...options: string[]) =>
  runCli(["worker", "status", ...options], { env: { EARSHOT_HOME: home } });

test("worker status tells what a worker does: its state, lanes, models, jobs, what waits, and versions", async () => {
  const tone = await writeToneWav(join(directory, "tone.wav"), { seconds: 1, sampleRateHz: 16_000 });
  const uploadId = await stack.upload(tone);
  await using worker = await startWorkerProcess(stack);
  const [lane] = (await worker.children()).filter(({ command }) => command.includes("lane.main"));
  process.kill(lane?.pid ?? 0, "SIGSTOP");
  const ids = [
    await stack.submitAndRing({ uploadId, tasks: ["speech.segments"] }),
    await stack.submitAndRing({ uploadId, tasks: ["speech.segments"] }),
  ];
  await stack.submit({ uploadId });
  const areAtWork = async () => {
    const { jobs, lanes } = await worker.status();
    return jobs.length === 2 && lanes.busy === 1 && lanes.waiting === 1;
  };
  await until(areAtWork, { describe: "both jobs to be decoded, and the second to wait for the lane" });
  const [said] = jsonLines(await status(worker.home, "--json"));
  const busy = workerStatus.parse(said);
  expect(busy).toMatchObject({
    pid: worker.pid,
    state: "busy",
    reason: null,
    device: "cpu",
    fallback_from: null,
    slots: 2,
    lanes: { wanted: 1, alive: 1, busy: 1, waiting: 1, crashed: 0 },
    models: [{ model: "silero_vad@6.2", lanes: 1 }],
    queue: { queued: 1, running: 2 },
    versions: { node: process.versions.node, onnxruntime: expect.stringMatching(/^\d+\.\d+/) },
    reload: null,
  });
  expect(busy.jobs.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect(busy.lanes.memory_bytes).toBeGreaterThan(busy.lanes.model_bytes);
  expect(busy.lanes.model_bytes).toBeGreaterThan(0);

  const told = await status(worker.home);
  expect(told).toMatchObject({ status: 0, stderr: "" });
  expect(told.stdout).toContain("busy");
  expect(told.stdout).toContain("1 of 1, 1 at work");
  for (const id of ids) expect(told.stdout).toContain(`${id}  finishing`);

  const drained = worker.drain();
  await until(async () => (await worker.status()).state === "draining", { describe: "the drain" });
  expect((await status(worker.home)).stdout).toContain("draining");
  expect(await drained).toBe(0);
  expect((await status(worker.home)).status).toBe(3);
});

test("while the database does not answer a worker tells all the same, but not what waits", async () => {
  await using worker = await startWorkerProcess(stack);
  await stack.sql.begin(async (tx) => {
    await tx`lock table jobs in access exclusive mode`;
    expect(await worker.status()).toMatchObject({ state: "ready", queue: null, lanes: { alive: 1 } });
    expect((await status(worker.home)).stdout).toContain("the database does not answer");
  });
});

test("a defunct worker, and one that does not answer, are told with status 1", async () => {
  await using defunct = await startWorkerProcess(stack, { EARSHOT_DEVICE: "cuda" });
  const told = await status(defunct.home);
  expect(told.status).toBe(1);
  expect(told.stdout).toContain("defunct");
  process.kill(defunct.pid, "SIGSTOP");
  const silent = await status(defunct.home, "--json");
  expect(silent.status).toBe(1);
  expect(jsonLines(silent)).toEqual([
    { socket: expect.stringContaining("worker-"), error: "it does not answer" },
  ]);
  process.kill(defunct.pid, "SIGCONT");
});

test("where no worker is, worker status says so and what to do, and one that was killed is not there", async () => {
  const nobody = await status(directory);
  expect(nobody).toMatchObject({ status: 3, stdout: "" });
  expect(nobody.stderr).toContain(`No worker answers in ${directory}`);
  const worker = await startWorkerProcess(stack);
  await worker.kill();
  const killed = await status(worker.home, "--json");
  expect(killed.status).toBe(3);
  expect(jsonLines(killed)).toMatchObject([{ error: { code: "missing" } }]);
  await worker[Symbol.asyncDispose]();
  expect((await runCli(["worker", "status", "--help"])).stdout).toContain("draining");
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { scrape } from "@earshot/testkit/metrics";
import { startReceiver } from "@earshot/testkit/receiver";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";
import { startWorkerProcess } from "./testing/worker-process.ts";

const SERVED = { EARSHOT_METRICS_PORT: "0" };

let stack: TestStack;
let directory: string;
let tone: string;
beforeAll(async () => {
  stack = await startTestStack();
  directory = await mkdtemp(join(tmpdir(), "earshot-test-metrics-"));
  tone = await writeToneWav(join(directory, "tone.wav"), { seconds: 1, sampleRateHz: 16_000 });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

test("a worker counts its jobs, where their time goes, and the lanes that it had to replace", async () => {
  // Where nobody takes its spans it works all the same.
  const nobody = { EARSHOT_OTLP_URL: "http://127.0.0.1:9/v1/traces" };
  await using worker = await startWorkerProcess(stack, { ...SERVED, ...nobody });
  const id = await stack.submitAndRing({ uploadId: await stack.upload(tone), tasks: ["speech.segments"] });
  await stack.stateOf(id, ["succeeded"]);
  const metrics = await until(
    async () => {
      const scraped = await scrape(worker.metricsUrl);
      return scraped.value("earshot_jobs_in_flight") === 0 && scraped.value("earshot_job_seconds_count") === 1
        ? scraped
        : null;
    },
    { describe: "the job to be counted" },
  );
  expect(metrics.value("earshot_jobs_total", { task: "speech.segments", outcome: "succeeded" })).toBe(1);
  expect(metrics.value("earshot_job_attempts_total", { outcome: "succeeded", error_code: "none" })).toBe(1);
  for (const phase of ["fetch", "decode", "infer", "commit"]) {
    expect(metrics.value("earshot_job_phase_seconds_count", { phase }), phase).toBe(1);
  }
  expect(metrics.value("earshot_audio_seconds_total")).toBeCloseTo(1);
  expect(metrics.value("earshot_batch_fill", { model: "silero_vad@6.2" })).toBeGreaterThan(0);
  expect(metrics.value("earshot_batches_total", { model: "silero_vad@6.2" })).toBeGreaterThan(0);
  expect(metrics.value("earshot_lanes", { state: "alive" })).toBe(1);
  expect(metrics.value("earshot_lanes", { state: "waiting" })).toBe(0);
  expect(metrics.value("earshot_job_slots")).toBe(2);
  expect(metrics.value("earshot_jobs_at_stage", { stage: "decoding" })).toBe(0);
  const lanesBytes = metrics.value("earshot_lane_memory_bytes", { of: "lanes" }) ?? 0;
  const modelBytes = metrics.value("earshot_lane_memory_bytes", { of: "models" }) ?? 0;
  expect(modelBytes).toBeGreaterThan(1_000_000);
  expect(lanesBytes).toBeGreaterThan(modelBytes);
  expect(metrics.value("earshot_process_state", { state: "ready" })).toBe(1);
  expect(metrics.value("earshot_lane_restarts_total", { reason: "crashed" })).toBe(0);

  const lane = (await worker.children()).find(({ command }) => command.includes("lane.main"));
  process.kill(lane?.pid ?? 0, "SIGKILL");
  const restarts = async () =>
    (await scrape(worker.metricsUrl)).value("earshot_lane_restarts_total", { reason: "crashed" }) === 1;
  await until(restarts, { describe: "the lane to be counted" });

  expect((await fetch(`${worker.metricsUrl}/readyz`)).status).toBe(200);
  await until(() => worker.log().includes("spans_not_exported"), { describe: "the collector to be missed" });
  expect(await worker.drain()).toBe(0);
});

test("a worker without room is busy, and one that drains is not ready any more", async () => {
  await using worker = await startWorkerProcess(stack, SERVED);
  await using server = await startReceiver();
  server.script("hang", "hang");
  const ids = [
    await stack.submitAndRing({ inputUrl: server.url }),
    await stack.submitAndRing({ inputUrl: server.url }),
  ];
  const says = async (state: string) =>
    (await (await fetch(`${worker.metricsUrl}/readyz`)).text()).includes(state);
  await until(() => says("busy"), { describe: "both slots to be taken" });
  const drained = worker.drain();
  await until(() => says("draining"), { describe: "the drain" });
  expect((await fetch(`${worker.metricsUrl}/readyz`)).status).toBe(503);
  expect(await drained).toBe(0);
  for (const id of ids) expect(await stack.job(id)).toMatchObject({ status: "queued", attempt: 1 });
  await stack.sql`update jobs set status = 'canceled', finished_at = now() where status = 'queued'`;
});

test("the deliverer counts deliveries, and knows how much waits and for how long", async () => {
  await using receiver = await startReceiver();
  receiver.script({ status: 500 });
  const waiting = await stack.submit({});
  await stack.sql`update jobs set created_at = now() - interval '90 s' where id = ${waiting}`;
  await using deliverer = await startWorkerProcess(stack, SERVED, "deliver");
  const canceled = await stack.submit({ webhookUrl: receiver.url });
  await cancelJob(stack.db, stack.accountId, canceled);
  await receiver.next();
  const metrics = await until(
    async () => {
      const scraped = await scrape(deliverer.metricsUrl);
      return scraped.value("earshot_deliveries_total", { outcome: "retry" }) === 1 ? scraped : null;
    },
    { describe: "the attempt to be counted" },
  );
  expect(metrics.value("earshot_delivery_seconds_count")).toBe(1);
  expect(metrics.value("earshot_queue_depth")).toBe(1);
  expect(metrics.value("earshot_queue_oldest_seconds")).toBeGreaterThanOrEqual(90);
  expect(metrics.value("earshot_database_up")).toBe(1);
});

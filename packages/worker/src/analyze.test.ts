import { statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { isFinal } from "@earshot/shared/domain/job-status";
import type { LogFields } from "@earshot/shared/log";
import { silentLog } from "@earshot/shared/log";
import { startReceiver } from "@earshot/testkit/receiver";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import type { Inference } from "./inference/inference.ts";
import { openAttempts } from "./testing/attempts.ts";
import type { Attempts } from "./testing/attempts.ts";
import { writeToneWav } from "./testing/make-audio.ts";
import type { TestStack } from "./testing/test-stack.ts";

let attempts: Attempts;
let engine: Engine;
let stack: TestStack;
let run: Attempts["attempt"];

beforeAll(async () => {
  engine = await createEngine({
    lanes: 1,
    threads: 1,
    device: "cpu",
    // A call that lost one lane is not tried on another here.
    batch: { crashesAllowed: 1 },
    modelsDir: undefined,
    searchPath: process.env["PATH"] ?? "",
    log: silentLog,
  });
  attempts = await openAttempts(engine, { leaseSeconds: 2 });
  ({ stack, attempt: run } = attempts);
});

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  await attempts?.[Symbol.asyncDispose]();
});

async function finalEvents(jobId: string): Promise<string[]> {
  const rows = await stack.sql<{ type: string }[]>`select type from events where job_id = ${jobId}`;
  return rows.map((row) => row.type);
}

const tone = () => attempts.tone(1);

test("a job ends with its results, what is known of its input, and what it used", async () => {
  const id = await stack.submit({
    uploadId: await stack.upload(await tone()),
    tasks: ["speech.segments", "audio.features"],
    options: { "speech.segments": { probabilities: true } },
  });
  await run(id);
  const job = await stack.job(id);
  expect(job).toMatchObject({ status: "succeeded", device: "cpu", audioSeconds: 1, leaseToken: null });
  expect(job.inputInfo).toMatchObject({
    duration_seconds: 1,
    codec: "pcm_s16le",
    channels: 1,
    sample_rate: 16_000,
  });
  expect(job.computeSeconds).toBeGreaterThan(0);
  const results = await stack.results(id);
  expect(results.map((result) => result.task)).toEqual(["speech.segments", "audio.features"]);
  expect(JSON.parse(results[0]?.body ?? "")).toMatchObject({
    status: "succeeded",
    segments: [],
    speech_seconds: 0,
  });
  expect(JSON.parse(results[0]?.body ?? "").probabilities).toHaveLength(32);
  expect(results[0]?.summary).toEqual({ speech_seconds: 0, speech_ratio: 0 });
  expect(await finalEvents(id)).toEqual(["job.succeeded"]);
});

test.each([
  ["text", "not audio at all, only words", "unsupported_media"],
  ["nothing", "", "unsupported_media"],
])("a job over %s fails once, with its code", async (_name, content, code) => {
  const file = join(attempts.directory, "bad.wav");
  await writeFile(file, content.padEnd(1, " "));
  const id = await stack.submit({ uploadId: await stack.upload(file) });
  await run(id);
  expect(await stack.job(id)).toMatchObject({ status: "failed", attempt: 1, errorCode: code });
  expect(await finalEvents(id)).toEqual(["job.failed"]);
});

test("an upload that is not the announced file fails as input_mismatch", async () => {
  const uploadId = await stack.upload(await tone());
  await stack.sql`update uploads set sha256 = ${"0".repeat(64)} where id = ${uploadId}`;
  const id = await stack.submit({ uploadId });
  await run(id);
  expect(await stack.job(id)).toMatchObject({ status: "failed", errorCode: "input_mismatch" });
});

test("an input over the cap of seconds fails as input_too_long, one over the cap of bytes as input_too_large", async () => {
  const file = await writeToneWav(join(attempts.directory, "long.wav"), { seconds: 61, sampleRateHz: 8_000 });
  const tooLong = await stack.submit({ uploadId: await stack.upload(file) });
  await run(tooLong);
  expect(await stack.job(tooLong)).toMatchObject({ status: "failed", errorCode: "input_too_long" });

  await using server = await startReceiver();
  server.script({ status: 200, headers: { "content-length": String(1024 ** 2 + 1) } });
  const tooLarge = await stack.submit({ inputUrl: server.url });
  await run(tooLarge);
  expect(await stack.job(tooLarge)).toMatchObject({ status: "failed", errorCode: "input_too_large" });
});

test("an input that cannot be reached is tried three times, later each time, then the job fails with that code", async () => {
  await using server = await startReceiver();
  server.script({ status: 503 }, { status: 503 }, { status: 503 });
  const id = await stack.submit({ inputUrl: server.url });
  for (const [attempt, delaySeconds] of [
    [1, 5],
    [2, 10],
  ] as const) {
    await run(id);
    const [row] = await stack.sql`
      select status, attempt, round(extract(epoch from claimable_at - now()))::int as delay from jobs where id = ${id}`;
    expect(row).toMatchObject({ status: "queued", attempt });
    expect(Math.abs(row?.["delay"] - delaySeconds)).toBeLessThanOrEqual(1);
  }
  await run(id);
  expect(await stack.job(id)).toMatchObject({ status: "failed", attempt: 3, errorCode: "input_unreachable" });
  expect(await finalEvents(id)).toEqual(["job.failed"]);
});

test("an address of the inside is forbidden, and no connection is made", async () => {
  await using server = await startReceiver();
  const id = await stack.submit({ inputUrl: server.url });
  await run(id, { policy: { allowLoopback: false } });
  expect(await stack.job(id)).toMatchObject({ status: "failed", errorCode: "input_forbidden" });
  expect(server.requests).toHaveLength(0);
});

test("a running job that is canceled stops within a beat", async () => {
  await using server = await startReceiver();
  server.script("hang");
  const id = await stack.submit({ inputUrl: server.url });
  const running = run(id);
  await until(() => server.requests.length > 0, { describe: "the fetch" });
  expect((await cancelJob(stack.db, stack.accountId, id))?.status).toBe("canceling");
  await running;
  expect(await stack.job(id)).toMatchObject({ status: "canceled", errorCode: "canceled" });
  expect(await finalEvents(id)).toEqual(["job.canceled"]);
});

test("a job whose model process dies goes back to the queue instead of ending half done", async () => {
  const { inference } = engine;
  const [lane] = inference.pids;
  if (lane === undefined) throw new Error("no lane");
  let isAsked = false;
  const watched: Inference = {
    window: inference.window,
    identify: (model) => inference.identify(model),
    describe: (model) => inference.describe(model),
    load: (model, signal) => inference.load(model, signal),
    run: (model, feeds, signal) => inference.run(model, feeds, signal),
    generate: (model, request, signal) => inference.generate(model, request, signal),
    readFile: (model, name) => inference.readFile(model, name),
    scan(model, request, signal) {
      isAsked = true;
      return inference.scan(model, request, signal);
    },
  };
  process.kill(lane, "SIGSTOP");
  const id = await stack.submit({
    uploadId: await stack.upload(await tone()),
    tasks: ["speech.segments", "audio.features"],
  });
  const running = run(id, { inference: watched });
  await until(() => isAsked, { describe: "the model to be asked" });
  process.kill(lane, "SIGKILL");
  await running;
  expect(await stack.job(id)).toMatchObject({ status: "queued", attempt: 1 });
  expect(await stack.results(id)).toEqual([]);
  await run(id);
  expect(await stack.job(id)).toMatchObject({ status: "succeeded", attempt: 2 });
});

test("a job over its timeout is stopped, not only declared so", async () => {
  await using server = await startReceiver();
  server.script("hang");
  const id = await stack.submit({ inputUrl: server.url, timeoutSeconds: 1 });
  await run(id);
  const job = await stack.job(id);
  expect(job).toMatchObject({ status: "failed", errorCode: "timeout", errorDetail: { timeoutSeconds: 1 } });
  expect(isFinal(job.status)).toBe(true);
});

test("an attempt leaves one wide event: where its time went, what it read, and its place in the trace", async () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const lines: { event: string; fields: LogFields }[] = [];
  const at = (event: string, fields: LogFields = {}) => void lines.push({ event, fields });
  const log = { info: at, warn: at, error: at };
  const file = await tone();
  const id = await stack.submit({
    uploadId: await stack.upload(file),
    tasks: ["speech.segments", "audio.features"],
    traceparent: `00-${trace}-b7ad6b7169203331-01`,
  });
  const settled = await run(id, { log });
  expect(lines.filter(({ event }) => event === "job_settled")).toHaveLength(1);
  const fields = lines.at(-1)?.fields ?? {};
  expect(fields).toMatchObject({
    job_id: id,
    account_id: stack.accountId,
    tasks: ["speech.segments", "audio.features"],
    attempt: 1,
    outcome: "succeeded",
    error_code: null,
    input_bytes: statSync(file).size,
    audio_seconds: 1,
    device: "cpu",
    models: [expect.stringMatching(/^silero_vad@/)],
    trace_id: trace,
    parent_span_id: "b7ad6b7169203331",
    span_id: expect.stringMatching(/^(?!b7ad6b7169203331)[0-9a-f]{16}$/),
  });
  expect(settled.phases.map(({ phase }) => phase)).toEqual(["fetch", "decode", "infer", "commit"]);
  const parts = settled.phases.reduce((sum, { seconds }) => sum + seconds, 0);
  expect(parts).toBeGreaterThan(0);
  expect(parts).toBeLessThanOrEqual(settled.seconds);
  expect(fields["infer_seconds"]).toBeGreaterThan(0);
  expect(fields["queue_seconds"]).toBeGreaterThanOrEqual(0);
});

test("an attempt that fails says with which code, and how far it came", async () => {
  await using server = await startReceiver();
  server.script({ status: 503 });
  const settled = await run(await stack.submit({ inputUrl: server.url }));
  expect(settled).toMatchObject({
    outcome: "retried",
    errorCode: "input_unreachable",
    models: [],
    device: null,
  });
  expect(settled.phases.map(({ phase }) => phase)).toEqual(["fetch"]);
});

test("a job keeps the versions of its models that its first attempt ran, and a later attempt runs them", async () => {
  const id = await stack.submit({
    uploadId: await stack.upload(await tone()),
    tasks: ["speech.segments"],
  });
  const asked: unknown[] = [];
  const versionsFor: Engine["versionsFor"] = (tasks, earlier) => {
    asked.push(earlier);
    return engine.versionsFor(tasks, earlier);
  };
  const dying: Inference = {
    window: 8,
    identify: (model) => engine.inference.identify(model),
    describe: (model) => engine.inference.describe(model),
    load: () => Promise.reject(new Error("the lane died")),
    scan: () => Promise.reject(new Error("the lane died")),
    run: () => Promise.reject(new Error("the lane died")),
    generate: () => Promise.reject(new Error("the lane died")),
    readFile: () => Promise.reject(new Error("the lane died")),
  };
  await run(id, { versionsFor, inference: dying });
  await run(id, { versionsFor });
  expect(await stack.job(id)).toMatchObject({
    status: "succeeded",
    attempt: 2,
    modelVersions: { silero_vad: "6.2" },
  });
  expect(asked).toEqual([null, { silero_vad: "6.2" }]);
});

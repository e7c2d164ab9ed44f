import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { openDatabase } from "@earshot/shared/db/database";
import { claimFromTable } from "@earshot/shared/db/jobs/claim-job";
import { AppError } from "@earshot/shared/domain/errors";
import { BUNDLED_TASK_NAMES, TASK_NAMES, TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import type { AnalyzeOptions } from "./analyze.ts";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { INSTALLED_TASKS } from "./tasks/index.ts";
import { writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";

/** Each task of the catalog fails in turn, beside one that does not: what the job, its rows and its event say then. */

let stack: TestStack;
let engine: Engine;
let database: ReturnType<typeof openDatabase>;
let directory: string;
let options: AnalyzeOptions;
let uploadId: string;
/** What each companion says where nothing fails beside it. */
let alone: Map<string, string | null>;

beforeAll(async () => {
  stack = await startTestStack();
  directory = await mkdtemp(join(tmpdir(), "earshot-test-partial-"));
  database = openDatabase({ url: stack.database.urls.worker, name: "test" });
  engine = await createEngine({
    lanes: 1,
    threads: 1,
    device: "cpu",
    modelsDir: directory,
    searchPath: process.env["PATH"] ?? "",
    log: silentLog,
  });
  options = {
    ...engine,
    db: database.db,
    blobs: await openBlobs(stack.blobs),
    policy: { allowLoopback: true },
    scratchRoot: directory,
    maxBytes: 1024 ** 2,
    maxAudioSeconds: 60,
    leaseSeconds: 20,
    log: silentLog,
    random: () => 0.5,
  };
  uploadId = await stack.upload(
    await writeToneWav(join(directory, "tone.wav"), { seconds: 4, sampleRateHz: 16_000 }),
  );
  const { results } = await ended(["audio.features", "speech.segments"]);
  alone = new Map(results.map(({ task, body }) => [task, body]));
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await database.close();
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** @param tasks Some may be of a catalog that is newer than this one: no job of them can be submitted here. */
async function ended(tasks: readonly string[], changed: Partial<AnalyzeOptions> = {}) {
  const id = await stack.submit({ uploadId });
  await stack.sql`
    update jobs set claimable_at = now() - interval '1 second',
      tasks = (select array_agg(name order by place) from jsonb_array_elements_text(${JSON.stringify(tasks)}::text::jsonb)
        with ordinality as asked (name, place))
    where id = ${id}`;
  const [claimed] = await claimFromTable(database.db, 1, { workerId: "test", leaseSeconds: 20 });
  if (claimed?.job.id !== id) throw new Error("another job was claimed");
  await analyze(claimed, { ...options, ...changed }, new AbortController().signal);
  const events = await stack.sql<{ type: string }[]>`select type from events where job_id = ${id}`;
  return {
    job: await stack.job(id),
    results: await stack.results(id),
    events: events.map(({ type }) => type),
  };
}

const companionOf = (task: string) => (task === "audio.features" ? "speech.segments" : "audio.features");

function expectPartial(
  { job, results, events }: Awaited<ReturnType<typeof ended>>,
  task: string,
  errorCode: string,
): void {
  const companion = companionOf(task);
  expect(job).toMatchObject({ status: "partial", attempt: 1, errorCode: null });
  expect(events).toEqual(["job.partial"]);
  expect(results).toMatchObject([
    { task, status: "failed", errorCode },
    { task: companion, status: "succeeded", errorCode: null },
  ]);
  expect(JSON.parse(results[0]?.body ?? "")).toMatchObject({
    task,
    status: "failed",
    error: { code: errorCode },
  });
  expect(results[1]?.body).toBe(alone.get(companion));
}

test.each(TASK_NAMES)("%s fails alone", async (task) => {
  const fail = () => {
    throw new AppError("input_too_short");
  };
  const { name, stream } = INSTALLED_TASKS[task];
  const broken = { name, stream, start: () => ({ push: fail, finish: fail }) };
  const installed = { ...INSTALLED_TASKS, [task]: broken };
  expectPartial(await ended([task, companionOf(task)], { installed }), task, "input_too_short");
});

const PULLED = TASK_NAMES.filter((task) => !BUNDLED_TASK_NAMES.includes(task));

test.each(PULLED)("%s fails alone without its model, and says what to do", async (task) => {
  const found = await ended([task, companionOf(task)]);
  expectPartial(found, task, "model_unavailable");
  expect(JSON.parse(found.results[0]?.body ?? "").error.message).toContain("earshot models pull");
  expect(found.results[0]).toMatchObject({ model: TASKS[task].model });
});

test("a task that this worker is too old to know fails alone", async () => {
  const found = await ended(["speech.of_tomorrow", "audio.features"]);
  expectPartial(found, "speech.of_tomorrow", "model_unavailable");
  expect(JSON.parse(found.results[0]?.body ?? "").error.message).toContain("update");
});

test("a job of such tasks alone fails with their code", async () => {
  const { job, events } = await ended(["speech.of_tomorrow"]);
  expect(job).toMatchObject({ status: "failed", errorCode: "model_unavailable" });
  expect(events).toEqual(["job.failed"]);
});

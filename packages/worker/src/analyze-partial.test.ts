import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@earshot/shared/domain/errors";
import { BUNDLED_TASK_NAMES, TASK_NAMES, TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnalyzeOptions } from "./analyze.ts";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { INSTALLED_TASKS } from "./tasks/index.ts";
import { jobVersions } from "./inference/job-versions.ts";
import { createLanes } from "./inference/lanes.ts";
import { createRegistry } from "./inference/registry.ts";
import { writeStandInModels } from "./tasks/speakers/testing/stand-in-models.ts";
import { RATE_HZ, speak } from "./tasks/speakers/testing/tone-voices.ts";
import { writeScriptedWhisper } from "./tasks/whisper/testing/scripted-whisper.ts";
import { openAttempts } from "./testing/attempts.ts";
import type { Attempts } from "./testing/attempts.ts";
import { writeWav } from "./testing/make-audio.ts";

/** Each task of the catalog fails in turn, beside one that does not: what the job, its rows and its event say then. */

let attempts: Attempts;
let engine: Engine;
let uploadId: string;
/** What each companion says where nothing fails beside it. */
let alone: Map<string, string | null>;

beforeAll(async () => {
  engine = await createEngine({
    lanes: 1,
    threads: 1,
    device: "cpu",
    modelsDir: undefined,
    searchPath: process.env["PATH"] ?? "",
    log: silentLog,
  });
  attempts = await openAttempts(engine, { leaseSeconds: 20 });
  uploadId = await attempts.stack.upload(await attempts.tone(4));
  const { results } = await ended(["audio.features", "speech.segments"]);
  alone = new Map(results.map(({ task, body }) => [task, body]));
});

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  await attempts?.[Symbol.asyncDispose]();
});

/** @param tasks Some may be of a catalog that is newer than this one: no job of them can be submitted here. */
async function ended(tasks: readonly string[], changed: Partial<AnalyzeOptions> = {}, audio = uploadId) {
  const { stack } = attempts;
  const id = await stack.submit({ uploadId: audio });
  await stack.sql`
    update jobs set
      tasks = (select array_agg(name order by place) from jsonb_array_elements_text(${JSON.stringify(tasks)}::text::jsonb)
        with ordinality as asked (name, place))
    where id = ${id}`;
  await attempts.attempt(id, changed);
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

/** Two whose voices the scripted Whisper takes for words. */
const DIALOGUE = [
  { start: 1, end: 3, speaker: 2 },
  { start: 4, end: 6, speaker: 3 },
  { start: 6.5, end: 7.7, speaker: 2 },
];

test("what is said and who speaks, in one job and in real lanes: partial while Whisper is missing, then each word has its speaker", async () => {
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-dialogue-"));
  const [scripted, others] = [await writeScriptedWhisper(directory), await writeStandInModels(directory)];
  const withScripted = (...ids: string[]) => [
    ...others.models.filter(({ id }) => !ids.includes(id)),
    ...scripted.models.filter(({ id }) => ids.includes(id)),
  ];
  const registry = createRegistry({ modelsDir: directory, models: withScripted("silero_vad") });
  const inference = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog });
  const versionsFor: Engine["versionsFor"] = (tasks, earlier) => jobVersions(tasks, earlier, registry);
  try {
    const file = await writeWav(join(directory, "dialogue.wav"), speak(DIALOGUE, 8), RATE_HZ);
    const audio = await attempts.stack.upload(file);
    const analysed = () =>
      ended(["speech.transcription", "speech.speakers"], { inference, versionsFor }, audio);

    const partial = await analysed();
    expect(partial.job).toMatchObject({ status: "partial", attempt: 1, errorCode: null });
    expect(partial.events).toEqual(["job.partial"]);
    const [missing, turns] = partial.results.map(({ body }) => JSON.parse(body ?? ""));
    expect(missing).toMatchObject({ status: "failed", error: { code: "model_unavailable" } });
    expect(missing.error.message).toContain("earshot models pull");
    expect(turns.exclusive_turns).toEqual(
      DIALOGUE.map(({ start, end, speaker }) => ({
        start: expect.closeTo(start, 1),
        end: expect.closeTo(end, 1),
        speaker: `speaker_${speaker - 1}`,
      })),
    );

    const models = withScripted("silero_vad", "whisper-base", "whisper-base-encoder");
    registry.reload({ modelsDir: directory, models });
    const whole = await analysed();
    expect(whole.job).toMatchObject({ status: "succeeded", attempt: 1, errorCode: null });
    const [said, heard] = whole.results.map(({ body }) => JSON.parse(body ?? ""));
    expect(heard).toEqual(turns);
    const words = said.words as { text: string; speaker: string }[];
    const spoken = [...Map.groupBy(words, ({ text, speaker }) => `${text} by ${speaker}`).keys()];
    expect(spoken).toEqual(["two by speaker_1", "three by speaker_2"]);
    expect(said.utterances).toMatchObject([
      { text: "two two two two two", speaker: "speaker_1" },
      { text: "three three three three three", speaker: "speaker_2" },
      { text: "two two two", speaker: "speaker_1" },
    ]);
  } finally {
    await inference.close();
    await rm(directory, { recursive: true, force: true });
  }
});

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { AppError } from "@earshot/shared/domain/errors";
import type { Log } from "@earshot/shared/log";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Inference } from "./inference/inference.ts";
import { createLanes } from "./inference/lanes.ts";
import { createRegistry } from "./inference/registry.ts";
import { createDecoder } from "./input/decoder.ts";
import type { Decoder } from "./input/decoder.ts";
import { findFfmpeg } from "./input/ffmpeg.ts";
import { detectSandbox } from "./input/sandbox.ts";
import { readTags } from "./input/tags.ts";
import { createCorpus, sine } from "./input/testing/corpus.ts";
import type { Corpus } from "./input/testing/corpus.ts";
import { runTasks } from "./run-tasks.ts";
import type { Progress, RunTasksRequest } from "./run-tasks.ts";
import { INSTALLED_TASKS } from "./tasks/index.ts";
import type { TaskRun } from "./tasks/task.ts";

const GOLDEN_SPEECH = fileURLToPath(new URL("./tasks/golden/vad_speech.input16k.f32", import.meta.url));

const sandbox = await detectSandbox();
const decoder = createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox });

let corpus: Corpus;
let tone: string;
beforeAll(async () => {
  corpus = await createCorpus();
  tone = await corpus.make("tone.wav", ...sine({ seconds: 3, rateHz: 44_100, channels: 2 }));
});
afterAll(() => corpus[Symbol.asyncDispose]());

const noInference: Inference = {
  window: 8,
  identify: (model) => ({ model, version: "7", device: "cpu" }),
  describe: () => {
    throw new Error("no model is needed here");
  },
  load: () => Promise.reject(new Error("no model is needed here")),
  scan: () => Promise.reject(new Error("no model is needed here")),
  run: () => Promise.reject(new Error("no model is needed here")),
  generate: () => Promise.reject(new Error("no model is needed here")),
  readFile: () => Promise.reject(new Error("no model is needed here")),
};

function run(request: Partial<RunTasksRequest>) {
  return runTasks({
    file: tone,
    tasks: [{ name: "audio.features" }],
    decoder,
    readTags: async () => ({}),
    inference: noInference,
    maxAudioSeconds: 60,
    log: silentLog,
    signal: new AbortController().signal,
    ...request,
  });
}

/** The real tasks, with `speech.segments` played by `fake`. */
function withSpeechTask(fake: () => TaskRun) {
  const { name, stream } = INSTALLED_TASKS["speech.segments"];
  return { ...INSTALLED_TASKS, "speech.segments": { name, stream, start: fake } };
}

const both = [{ name: "speech.segments" }, { name: "audio.features" }] as const;

test("a real file goes through a decoder and a model, is decoded once, and its results are in the order asked", async () => {
  const raw = ["-f", "f32le", "-ar", "16000", "-ac", "1", "-i", GOLDEN_SPEECH];
  const file = await corpus.make("speech.flac", ...raw, "-t", "6.5", "-metadata", "TITLE=Four voices");
  const decode = vi.fn(decoder.decode);
  const lanes = await createLanes({
    count: 1,
    threads: 1,
    device: "cpu",
    registry: createRegistry(),
    log: silentLog,
  });
  try {
    const analysis = await run({
      file,
      tasks: both,
      decoder: { ...decoder, decode },
      inference: lanes,
      readTags: (path, { signal }) => readTags(path, { sandbox, log: silentLog, signal }),
    });
    expect(decode).toHaveBeenCalledOnce();
    expect(analysis.input).toEqual({
      duration_seconds: 6.5,
      codec: "flac",
      channels: 1,
      sample_rate: 16_000,
      sha256: createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
      tags: { title: "Four voices" },
    });
    expect(analysis.results).toMatchObject([
      {
        task: "speech.segments",
        status: "succeeded",
        model: "silero_vad",
        device: "cpu",
        segments: [{ start: 1.026, end: 5.182 }],
      },
      { task: "audio.features", status: "succeeded", model: null, duration_seconds: 6.5 },
    ]);
    expect(analysis).not.toHaveProperty("warnings");
  } finally {
    await lanes.close();
  }
});

test("a task that throws fails alone, and hears no more of the file", async () => {
  const push = vi.fn().mockRejectedValue(new AppError("input_too_short", { detail: { need_seconds: 3 } }));
  const finish = vi.fn();
  const { results } = await run({ tasks: both, installed: withSpeechTask(() => ({ push, finish })) });
  expect(results).toMatchObject([
    {
      task: "speech.segments",
      status: "failed",
      model: "silero_vad",
      version: "7",
      device: "cpu",
      error: { code: "input_too_short", detail: { need_seconds: 3 } },
    },
    { task: "audio.features", status: "succeeded", duration_seconds: 3 },
  ]);
  expect(push).toHaveBeenCalledOnce();
  expect(finish).not.toHaveBeenCalled();
});

test.each<[string, () => TaskRun]>([
  [
    "begins",
    () => {
      throw new TypeError("secret");
    },
  ],
  [
    "ends",
    () => ({
      push() {},
      finish() {
        throw new TypeError("secret");
      },
    }),
  ],
])("a bug as a task %s is logged, and told as internal without its message", async (_when, fake) => {
  const warn = vi.fn();
  const log: Log = { ...silentLog, warn };
  const { results } = await run({ tasks: both, installed: withSpeechTask(fake), log });
  expect(results[0]).toMatchObject({ status: "failed", error: { code: "internal" } });
  expect(JSON.stringify(results)).not.toContain("secret");
  expect(results[1]).toMatchObject({ status: "succeeded" });
  expect(warn).toHaveBeenCalledWith("task_failed", expect.objectContaining({ error: "TypeError: secret" }));
});

test("options are those of the request, and their defaults where it is silent", async () => {
  const start = vi.fn(() => ({ push() {}, finish: () => ({ model: null, version: "1", device: "cpu" }) }));
  await run({
    tasks: [{ name: "speech.segments", options: { threshold: 0.7 } }],
    installed: withSpeechTask(start),
  });
  expect(start).toHaveBeenCalledWith(
    expect.objectContaining({ threshold: 0.7, threshold_off: 0.7 - 0.15 }),
    expect.objectContaining({ media: expect.objectContaining({ sampleRateHz: 44_100 }) }),
  );
});

test("a file that is no audio fails the job, not its tasks", async () => {
  const file = await corpus.write("notes.mp3", "These are just words.\n".repeat(50));
  await expect(run({ file })).rejects.toMatchObject({ code: "unsupported_media" });
  await expect(run({ maxAudioSeconds: 1 })).rejects.toMatchObject({ code: "input_too_long" });
});

test("a file that ends early is analysed, and says so", async () => {
  const file = await corpus.write("cut.wav", (await readFile(tone)).subarray(0, 44 + 2 * 44_100 * 4));
  const { input, warnings } = await run({ file });
  expect(input).toMatchObject({ truncated: true, declared_seconds: 3 });
  expect(input.duration_seconds).toBeCloseTo(2, 1);
  expect(warnings).toEqual([expect.stringContaining("of the 3 s")]);
});

test.each(["push", "finish"] as const)(
  "a job that is stopped in a task's %s ends with the reason",
  async (step) => {
    const job = new AbortController();
    const reason = new AppError("canceled");
    const stop = () => {
      job.abort(reason);
      throw new Error("aborted somewhere inside");
    };
    const installed = withSpeechTask(() => ({ push() {}, finish: vi.fn(), [step]: stop }));
    await expect(run({ tasks: both, installed, signal: job.signal })).rejects.toBe(reason);
  },
);

test("progress is that of the slowest stream", async () => {
  const seen: Progress[] = [];
  const installed = withSpeechTask(() => ({ push() {}, finish: vi.fn() }));
  const second = { native: [new Float32Array(44_100)], mono16k: [new Float32Array(16_000)] };
  const order = ["native", "native", "mono16k", "mono16k", "native", "mono16k"] as const;
  const scripted: Decoder = {
    probe: decoder.probe,
    async decode(_file, { onBlock }) {
      for (const stream of order) await onBlock(stream, { channels: second[stream] });
      return { durationSeconds: 3, truncated: false };
    },
  };
  const features = { name: "audio.features", stream: INSTALLED_TASKS["audio.features"].stream } as const;
  const deaf = { ...features, start: () => ({ push() {}, finish: vi.fn() }) };
  await run({
    tasks: both,
    installed: { ...installed, "audio.features": deaf },
    decoder: scripted,
    onProgress: (progress) => seen.push(progress),
  });
  const inferring = [0, 0, 1 / 3, 2 / 3, 2 / 3, 1].map((fraction) => ({ stage: "inferring", fraction }));
  expect(seen).toEqual([
    { stage: "decoding", fraction: 0 },
    ...inferring,
    { stage: "finishing", fraction: 1 },
  ]);
});

test("a file is hashed only when nobody knows its hash yet", async () => {
  const { input } = await run({ sha256: "ab".repeat(32) });
  expect(input.sha256).toBe("ab".repeat(32));
});

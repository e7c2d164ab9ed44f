import { readFile, rm } from "node:fs/promises";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Inference } from "../inference/inference.ts";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import type { Registry } from "../inference/registry.ts";
import { createDecoder } from "../input/decoder.ts";
import { findFfmpeg } from "../input/ffmpeg.ts";
import { detectSandbox } from "../input/sandbox.ts";
import { createCorpus } from "../input/testing/corpus.ts";
import type { Corpus } from "../input/testing/corpus.ts";
import { runTasks } from "../run-tasks.ts";
import { MusicnnMel } from "../signal/musicnn-mel.ts";
import { MUSICNN_PATCH, PatchCutter } from "../signal/patches.ts";
import { musicLike } from "../signal/test-signals.ts";
import { MOOD_HEADS } from "./music/mood-heads.ts";
import { writeStandInModels } from "./music/testing/stand-in-models.ts";

/** The whole way from a file to results, on graphs of the same contract as the real ones: see stand-in-models.ts. */
const sandbox = await detectSandbox();
const decoder = createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox });
const SAMPLES = musicLike(16_000, 10, 1);
const PATCHES = 5;
const MUSIC = ["music.tags", "music.mood", "music.embedding"] as const;

let corpus: Corpus;
let registry: Registry;
let lanes: Lanes;
let music: string;
beforeAll(async () => {
  corpus = await createCorpus();
  registry = await writeStandInModels(corpus.path("."));
  lanes = await openLanes(registry);
  music = await wavOf("music.wav", SAMPLES);
});
afterAll(async () => {
  await lanes.close();
  await corpus[Symbol.asyncDispose]();
});

function openLanes(models: Registry): Promise<Lanes> {
  return createLanes({ count: 2, threads: 1, device: "cpu", registry: models, log: silentLog });
}

async function wavOf(name: string, samples: Float32Array): Promise<string> {
  const raw = await corpus.write(`${name}.f32`, new Uint8Array(samples.buffer));
  return corpus.make(name, "-f", "f32le", "-ar", "16000", "-ac", "1", "-i", raw, "-c:a", "pcm_f32le");
}

async function resultsOf(
  tasks: readonly ((typeof MUSIC)[number] | "audio.features")[],
  { file = music, inference = lanes as Inference } = {},
) {
  const { results } = await runTasks({
    file,
    tasks: tasks.map((name) => ({ name })),
    decoder,
    readTags: async () => ({}),
    inference,
    maxAudioSeconds: 60,
    log: silentLog,
    signal: new AbortController().signal,
  });
  return results;
}

/** The mean of each band over each patch: what the stand-in makes its embeddings of. */
function bandMeans(samples: Float32Array): number[][] {
  const means: number[][] = [];
  const cutter = new PatchCutter(MUSICNN_PATCH, (patch) =>
    means.push(
      Array.from({ length: 96 }, (_, band) => mean([...patch].filter((_value, i) => i % 96 === band))),
    ),
  );
  const mel = new MusicnnMel((frame) => cutter.push(frame));
  mel.push(samples);
  mel.finish();
  return means;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const logistic = (value: number) => 1 / (1 + Math.exp(-value));
const rounded = (value: number) => expect.closeTo(value, 3);

describe("on graphs whose answers are known", () => {
  const means = bandMeans(SAMPLES);
  const timestamps_seconds = [0, 1.488, 2.976, 4.464, 5.952];

  test("tags have a score over the file and one a patch, in the manifest's order, with 4 decimals", async () => {
    const [result] = await resultsOf(["music.tags"]);
    const labels = registry.find("msd-musicnn-1").labels?.["activations"] ?? [];
    const scores = labels.map((_, i) => means.map((bands) => logistic(bands[i] ?? NaN)));
    expect(result).toEqual({
      task: "music.tags",
      status: "succeeded",
      model: "msd-musicnn-1",
      version: "1",
      device: "cpu",
      scores: Object.fromEntries(labels.map((label, i) => [label, rounded(mean(scores[i] ?? []))])),
      segments: {
        timestamps_seconds,
        values: Object.fromEntries(labels.map((label, i) => [label, (scores[i] ?? []).map(rounded)])),
      },
    });
    const told = result as unknown as { scores: object; segments: { values: Record<string, number[]> } };
    expect(Object.keys(told.scores)).toEqual(labels);
    expect(Object.keys(told.segments.values)).toEqual(labels);
    for (const value of Object.values(told.segments.values).flat()) {
      expect(Math.round(value * 1e4) / 1e4).toBe(value);
    }
  });

  test("mood has both classes of each head, and its positive class over time", async () => {
    const [result] = await resultsOf(["music.mood"]);
    const heads = Object.entries(MOOD_HEADS).map(([head, positive], index) => {
      const labels = registry.find(`${head}-msd-musicnn-1`).labels?.["activations"] ?? [];
      const first = means.map((bands) => logistic((bands[index] ?? NaN) - 2));
      return { head, positive, labels, scores: [first, first.map((score) => 1 - score)] };
    });
    expect(result).toEqual({
      task: "music.mood",
      status: "succeeded",
      model: "msd-musicnn-1",
      version: "1",
      device: "cpu",
      heads: Object.fromEntries(
        heads.map(({ head, labels, scores }) => [
          head,
          Object.fromEntries(labels.map((label, i) => [label, rounded(mean(scores[i] ?? []))])),
        ]),
      ),
      calibration: "default-1",
      agreement: Object.fromEntries(
        heads.map(({ head, scores: [first = []] }) => {
          const share = first.filter((score) => score > 0.5).length / PATCHES;
          return [head, mean(first) > 0.5 ? share : 1 - share];
        }),
      ),
      tags: { strict: expect.any(Array), regular: expect.any(Array), loose: expect.any(Array) },
      contradictions: expect.any(Array),
      segments: {
        timestamps_seconds,
        values: Object.fromEntries(
          heads.map(({ head, positive, labels, scores }) => [
            head,
            { [positive]: (scores[labels.indexOf(positive)] ?? []).map(rounded) },
          ]),
        ),
      },
    });
  });

  test("the embedding is the mean over the patches in float32, and its space names the published weights", async () => {
    const [result] = await resultsOf(["music.embedding"]);
    const [file] = registry.find("msd-musicnn-1").files;
    const vector = Array.from({ length: 200 }, (_, i) => mean(means.map((bands) => bands[i % 96] ?? NaN)));
    expect(result).toEqual({
      task: "music.embedding",
      status: "succeeded",
      model: "msd-musicnn-1",
      version: "1",
      device: "cpu",
      space: `msd-musicnn-1@${file.sha256.slice(0, 12)}`,
      vector: vector.map((value) => expect.closeTo(value, 4)),
    });
    const { vector: told } = result as unknown as { vector: number[] };
    expect(told.map(Math.fround)).toEqual(told);
  });
});

test("all three together run the model once a patch and each head once, and say what each says alone", async () => {
  const runs = new Map<string, number>();
  const counting: Inference = {
    window: lanes.window,
    identify: (model) => lanes.identify(model),
    describe: (model) => lanes.describe(model),
    load: (model, signal) => lanes.load(model, signal),
    scan: (model, request, signal) => lanes.scan(model, request, signal),
    run(model, feeds, signal) {
      runs.set(model, (runs.get(model) ?? 0) + 1);
      return lanes.run(model, feeds, signal);
    },
    generate: (model, request, signal) => lanes.generate(model, request, signal),
    readFile: (model, name) => lanes.readFile(model, name),
  };
  const together = await resultsOf(MUSIC, { inference: counting });
  const heads = Object.keys(MOOD_HEADS).map((head) => [`${head}-msd-musicnn-1`, 1] as const);
  expect(Object.fromEntries(runs)).toEqual({ "msd-musicnn-1": PATCHES, ...Object.fromEntries(heads) });
  const alone = await Promise.all(MUSIC.map((task) => resultsOf([task])));
  expect(together).toEqual(alone.flat());
});

test("audio that does not fill a patch is too short for music, and for nothing else", async () => {
  const file = await wavOf("short.wav", SAMPLES.slice(0, 47_360));
  const results = await resultsOf([...MUSIC, "audio.features"], { file });
  const error = { code: "input_too_short", detail: { duration_seconds: 2.96, minimum_seconds: 2.961 } };
  expect(results).toMatchObject([
    ...MUSIC.map((task) => ({ task, status: "failed", model: "msd-musicnn-1", error })),
    { task: "audio.features", status: "succeeded" },
  ]);
  const longer = await wavOf("longer.wav", SAMPLES.slice(0, 47_361));
  expect(await resultsOf(["music.embedding"], { file: longer })).toMatchObject([{ status: "succeeded" }]);
});

test("without its weights music says how to get them, and the other tasks succeed", async () => {
  const bare = await openLanes(createRegistry());
  try {
    const results = await resultsOf([...MUSIC, "audio.features"], { inference: bare });
    const message = expect.stringContaining("earshot models pull msd-musicnn-1");
    const error = { code: "model_unavailable", message };
    expect(results).toMatchObject([
      ...MUSIC.map((task) => ({ task, status: "failed", model: "msd-musicnn-1", version: "1", error })),
      { task: "audio.features", status: "succeeded" },
    ]);
  } finally {
    await bare.close();
  }
});

test("without one head only the mood is missing, and a damaged one is refused", async () => {
  const head = corpus.path("mood_sad-msd-musicnn-1.onnx");
  const weights = await readFile(head);
  for (const damage of [
    () => rm(head),
    () => corpus.write("mood_sad-msd-musicnn-1.onnx", weights.fill(7, 60, 64)),
  ]) {
    await damage();
    const fresh = await openLanes(registry);
    try {
      const error = { code: "model_unavailable", detail: { model: "mood_sad-msd-musicnn-1" } };
      expect(await resultsOf(["music.tags", "music.mood"], { inference: fresh })).toMatchObject([
        { status: "succeeded" },
        { status: "failed", error },
      ]);
    } finally {
      await fresh.close();
    }
  }
});

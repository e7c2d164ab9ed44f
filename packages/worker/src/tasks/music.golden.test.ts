import { readFileSync } from "node:fs";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Inference } from "../inference/inference.ts";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import type { ModelSpec } from "../inference/manifest.ts";
import { createRegistry } from "../inference/registry.ts";
import { createDecoder } from "../input/decoder.ts";
import { findFfmpeg } from "../input/ffmpeg.ts";
import { detectSandbox } from "../input/sandbox.ts";
import { createCorpus } from "../input/testing/corpus.ts";
import type { Corpus } from "../input/testing/corpus.ts";
import { runTasks } from "../run-tasks.ts";
import { GOLDEN_NAMES, goldenSamples } from "../signal/testing/musicnn-golden.ts";
import type { GoldenName } from "../signal/testing/musicnn-golden.ts";
import { MOOD_HEADS, runMoodHeads } from "./music/mood-heads.ts";
import type { MoodHead } from "./music/mood-heads.ts";
import { MUSICNN_FEATURES } from "./music/musicnn.ts";
import type { MusicnnFeatures } from "./music/musicnn.ts";
import { pooledScores } from "./music/patch-scores.ts";
import { EXPECTED_SIDES, PROBES } from "./music/testing/probes.ts";
import type { Probe } from "./music/testing/probes.ts";

/** With the published weights: against activations of the reference's front end, and against what ears say. */
const TOLERANCE = 1e-3;
const HEADS = Object.keys(MOOD_HEADS) as MoodHead[];

interface Golden {
  patches: number;
  heads: Record<string, { classes: string[]; mean: number[]; per_patch: number[][] }>;
  tags_mean: number[];
  embedding_mean: number[];
}

interface Results {
  tags: { scores: Record<string, number>; segments: { timestamps_seconds: number[] } };
  mood: {
    heads: Record<string, Record<string, number>>;
    segments: { values: Record<string, Record<string, number[]>> };
  };
  embedding: { space: string; vector: number[] };
}

const { signal } = new AbortController();
const sandbox = await detectSandbox();
const decoder = createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox });

let corpus: Corpus;
let lanes: Lanes;
beforeAll(async () => {
  const modelsDir = process.env["EARSHOT_MODELS_DIR"];
  if (modelsDir === undefined) throw new Error("EARSHOT_MODELS_DIR does not say where the weights are");
  corpus = await createCorpus();
  const registry = createRegistry({ modelsDir });
  lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry, log: silentLog });
});
afterAll(async () => {
  await lanes?.close();
  await corpus?.[Symbol.asyncDispose]();
});

describe.each(GOLDEN_NAMES)("on %s", (name) => {
  const golden = goldenActivations(name);

  describe.each([
    ["16 kHz float WAV", "wav", ["-c:a", "pcm_f32le"]],
    ["16 kHz FLAC", "flac", ["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"]],
  ] as const)("as %s", (_what, extension, encoding) => {
    let results: Results;
    beforeAll(async () => {
      const raw = await corpus.write(`${name}.f32`, new Uint8Array(goldenSamples(name).buffer));
      const input = ["-f", "f32le", "-ar", "16000", "-ac", "1", "-i", raw];
      results = await analyse(await corpus.make(`${name}.${extension}`, ...input, ...encoding));
    });

    test("each tag's mean is the reference's", () => {
      expect(results.tags.segments.timestamps_seconds).toHaveLength(golden.patches);
      expect(largestError(Object.values(results.tags.scores), golden.tags_mean)).toBeLessThan(TOLERANCE);
    });

    test.each(HEADS)("%s is the reference's, as a mean and over time", (head) => {
      const { classes, mean, per_patch } = golden.heads[head] ?? { classes: [], mean: [], per_patch: [] };
      const found = results.mood.heads[head] ?? {};
      expect(Object.keys(found)).toEqual(classes);
      expect(largestError(Object.values(found), mean)).toBeLessThan(TOLERANCE);
      const positive = MOOD_HEADS[head];
      const column = per_patch.map((classScores) => classScores[classes.indexOf(positive)] ?? NaN);
      const overTime = results.mood.segments.values[head]?.[positive] ?? [];
      expect(largestError(overTime, column)).toBeLessThan(TOLERANCE);
    });

    test("the embedding is the reference's", () => {
      expect(results.embedding.space).toBe("msd-musicnn-1@a04600b137c6");
      expect(relativeError(results.embedding.vector, golden.embedding_mean)).toBeLessThan(TOLERANCE);
    });
  });

  test("each patch's embedding is the reference's", async () => {
    const { patches, embeddings } = await featuresOf(goldenSamples(name));
    const expected = floatsOf(`./music/golden/${name}.embeddings.f32`);
    expect(patches).toBe(golden.patches);
    for (let first = 0; first < expected.length; first += 200) {
      const part = (all: Float32Array) => [...all.subarray(first, first + 200)];
      expect(relativeError(part(embeddings), part(expected))).toBeLessThan(TOLERANCE);
    }
  });
});

describe("what ears say", () => {
  const features = new Map<Probe, MusicnnFeatures>();
  beforeAll(async () => {
    for (const [probe, make] of Object.entries(PROBES))
      features.set(probe as Probe, await featuresOf(make()));
  });

  /** The probability that the head gives to the class that the probe is of. */
  async function sideOf(inference: Inference, head: MoodHead, name: string, probe: Probe): Promise<number> {
    const found = features.get(probe);
    if (found === undefined) throw new Error(`${probe} was not analysed`);
    const scores = await runMoodHeads(found, inference, signal);
    return pooledScores(scores[head])[name] ?? NaN;
  }

  async function headsOnTheWrongSide(inference: Inference): Promise<MoodHead[]> {
    const wrong = new Set<MoodHead>();
    for (const head of HEADS) {
      for (const [name, probe] of Object.entries(EXPECTED_SIDES[head])) {
        if (!((await sideOf(inference, head, name, probe)) > 0.5)) wrong.add(head);
      }
    }
    return [...wrong];
  }

  const sides = HEADS.flatMap((head) =>
    Object.entries(EXPECTED_SIDES[head]).map(([name, probe]) => [head, name, probe] as const),
  );
  test.each(sides)("%s says %s of %s", async (head, name, probe) => {
    expect(await sideOf(lanes, head, name, probe)).toBeGreaterThan(0.9);
  });

  test("every head is on the right side", async () => {
    expect(await headsOnTheWrongSide(lanes)).toEqual([]);
  });

  test.each(HEADS)("two swapped classes of %s are found out", async (swapped) => {
    const inference = withManifest(lanes, (spec) =>
      spec.id === `${swapped}-msd-musicnn-1`
        ? { ...spec, labels: { activations: spec.labels?.["activations"]?.toReversed() ?? [] } }
        : spec,
    );
    expect(await headsOnTheWrongSide(inference)).toEqual([swapped]);
  });
});

async function analyse(file: string): Promise<Results> {
  const { results } = await runTasks({
    file,
    tasks: [{ name: "music.tags" }, { name: "music.mood" }, { name: "music.embedding" }],
    decoder,
    readTags: async () => ({}),
    inference: lanes,
    maxAudioSeconds: 60,
    log: silentLog,
    signal,
  });
  const [tags, mood, embedding] = results;
  return { tags, mood, embedding } as unknown as Results;
}

async function featuresOf(samples: Float32Array): Promise<MusicnnFeatures> {
  const run = MUSICNN_FEATURES.start({ inference: lanes, signal });
  await run.push({ channels: [samples] });
  return run.finish();
}

/** The same lanes with a manifest that was tampered with. */
function withManifest(inference: Inference, changed: (spec: ModelSpec) => ModelSpec): Inference {
  return {
    window: inference.window,
    identify: (model) => inference.identify(model),
    describe: (model) => changed(inference.describe(model)),
    load: (model, stop) => inference.load(model, stop),
    scan: (model, request, stop) => inference.scan(model, request, stop),
    run: (model, feeds, stop) => inference.run(model, feeds, stop),
    generate: (model, request, stop) => inference.generate(model, request, stop),
    readFile: (model, name) => inference.readFile(model, name),
  };
}

function goldenActivations(name: GoldenName): Golden {
  return JSON.parse(
    readFileSync(new URL(`./music/golden/${name}.activations.json`, import.meta.url), "utf8"),
  ) as Golden;
}

function floatsOf(path: string): Float32Array {
  const bytes = readFileSync(new URL(path, import.meta.url));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** NaN, which is below nothing, when the lengths differ. */
function largestError(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length || found.length === 0) return NaN;
  return Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
}

/** The length of the difference against that of the expected vector. */
function relativeError(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return NaN;
  return Math.hypot(...found.map((value, i) => value - (expected[i] ?? NaN))) / Math.hypot(...expected);
}

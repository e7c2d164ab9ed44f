import { TASKS } from "@earshot/shared/domain/tasks";
import { expect, test } from "vitest";
import type { Inference } from "../inference/inference.ts";
import type { Media } from "../input/audio.ts";
import { tone } from "../signal/test-signals.ts";
import { renderProgression } from "../signal/testing/chords.ts";
import { beatsAt, clickTrack } from "../signal/testing/rhythm.ts";
import { audioFeatures } from "./audio-features.ts";
import { JobFeatures } from "./features.ts";
import type { TaskContext } from "./task.ts";

const MEDIA: Media = {
  format: "wav",
  codec: "pcm_f32le",
  channels: 2,
  channelLayout: "stereo",
  sampleRateHz: 48_000,
  durationSeconds: null,
};

test("a tone with a pause gives loudness, range, peak, the pause and the duration", async () => {
  const samples = tone({ hz: 1_000, sampleRateHz: 48_000, seconds: 6, peakDbfs: -23 });
  samples.fill(0, 2 * 48_000, 3 * 48_000);
  expect(await analyse([samples, samples])).toMatchObject({
    model: null,
    version: "2",
    device: "cpu",
    loudness_lufs: expect.closeTo(-23.3, 0),
    loudness_range_lu: expect.closeTo(1.8, 0),
    true_peak_dbtp: expect.closeTo(-23, 1),
    silences: [{ start: 2, end: 3 }],
    duration_seconds: 6,
  });
});

test("chords over a beat have their tempo, their beats and their key; a file without either has none", async () => {
  const chords = renderProgression({ sampleRateHz: 48_000, tonic: 9, scale: "minor" });
  const clicks = clickTrack({ sampleRateHz: 48_000, seconds: 8, beats: beatsAt(120, 8) });
  const music = chords.map((sample, i) => sample + (clicks[i] ?? 0));
  const found = await analyse([music, music]);
  expect(found).toMatchObject({
    tempo_bpm: expect.closeTo(120, 0),
    key: "A",
    scale: "minor",
    tuning_cents: expect.closeTo(0, -1),
  });
  expect(found["beats"]).toHaveLength(15);
  const silent = new Float32Array(8 * 48_000);
  expect(await analyse([silent, silent])).toMatchObject({
    tempo_bpm: null,
    tempo_confidence: 0,
    tempo_candidates: [],
    beats: [],
    key: null,
    scale: null,
    key_strength: 0,
    tuning_cents: null,
    spectral_centroid_hz: null,
  });
});

test("the options say what is silent", async () => {
  const quiet = tone({ hz: 1_000, sampleRateHz: 48_000, seconds: 1, peakDbfs: -50 });
  expect(await analyse([quiet, quiet])).toMatchObject({ silences: [] });
  expect(await analyse([quiet, quiet], { silence_threshold_dbfs: -40 })).toMatchObject({
    silences: [{ start: 0, end: 1 }],
  });
  expect(
    await analyse([quiet, quiet], { silence_threshold_dbfs: -40, silence_min_seconds: 2 }),
  ).toMatchObject({ silences: [] });
});

test("surround channels weigh more when the layout says so", async () => {
  const samples = tone({ hz: 1_000, sampleRateHz: 48_000, seconds: 1, peakDbfs: -23 });
  const channels = [0, 1, 2, 3].map(() => samples);
  const loudnessIn = async (channelLayout: string) =>
    Number((await analyse(channels, {}, { ...MEDIA, channels: 4, channelLayout })).loudness_lufs);
  expect((await loudnessIn("quad")) - (await loudnessIn("4.0"))).toBeCloseTo(10 * Math.log10(4.82 / 4), 1);
});

test("silence and an empty file have a duration and no levels", async () => {
  const undefinedLevels = { loudness_lufs: null, loudness_range_lu: null, true_peak_dbtp: null };
  const silent = new Float32Array(48_000);
  expect(await analyse([silent, silent])).toMatchObject({ ...undefinedLevels, duration_seconds: 1 });
  expect(await analyse([])).toMatchObject({ ...undefinedLevels, silences: [], duration_seconds: 0 });
});

test("samples that are not finite never reach the result", async () => {
  const damaged = tone({ hz: 1_000, sampleRateHz: 48_000, seconds: 1, peakDbfs: -23 });
  damaged.set([Number.NaN, Number.POSITIVE_INFINITY], 1_000);
  const result = await analyse([damaged, damaged]);
  expect(result).toMatchObject({ loudness_lufs: expect.closeTo(-23, 0), true_peak_dbtp: null });
});

test("an aborted run takes no more audio", () => {
  const run = audioFeatures.start(optionsOf({}), contextWith(AbortSignal.abort(new Error("stopped"))));
  expect(() => run.push({ channels: [new Float32Array(1), new Float32Array(1)] })).toThrow("stopped");
});

function optionsOf(options: object) {
  return TASKS["audio.features"].options.parse(options);
}

function contextWith(signal: AbortSignal, media = MEDIA): TaskContext {
  const inference = noInference();
  return { media, signal, inference, features: new JobFeatures({ inference, signal }) };
}

/** The task runs no model, so nothing of this is ever called. */
function noInference(): Inference {
  return {} as Inference;
}

async function analyse(channels: Float32Array[], options: object = {}, media = MEDIA) {
  const run = audioFeatures.start(optionsOf(options), contextWith(new AbortController().signal, media));
  await run.push({ channels });
  return run.finish();
}

import { readFileSync } from "node:fs";
import { silentLog } from "@earshot/shared/log";
import { TASKS } from "@earshot/shared/domain/tasks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import { dnsmosLogMel, dnsmosMelFrame } from "../signal/dnsmos-mel.ts";
import { seededRandom, tone } from "../signal/test-signals.ts";
import { musicPitch } from "./music-pitch.ts";
import { speechQuality } from "./speech-quality.ts";
import type { TaskContext, TaskRun } from "./task.ts";
import { hear } from "./testing/hear.ts";

/** Against the published weights, librosa and the authors' own steps; see `source` in the golden. */
const GOLDEN = JSON.parse(
  readFileSync(new URL("golden/quality_and_pitch.json", import.meta.url), "utf8"),
) as {
  windows: number[][];
  first_four_seconds: number[][];
  first_ten_and_a_half_seconds: number[][];
  mel_rows: Record<string, number[]>;
  pitch: { hz: number[]; confidence: number[]; every: number; frames: number };
};
const RATE = 16_000;
const GLIDE_CENTS_A_SECOND = 600;
const SPEECH = new Float32Array(
  Uint8Array.from(readFileSync(new URL("golden/vad_speech.input16k.f32", import.meta.url))).buffer,
);

let lanes: Lanes;
beforeAll(async () => {
  const modelsDir = process.env["EARSHOT_MODELS_DIR"];
  if (modelsDir === undefined) throw new Error("EARSHOT_MODELS_DIR does not say where the weights are");
  lanes = await createLanes({
    count: 2,
    threads: 1,
    device: "cpu",
    registry: createRegistry({ modelsDir }),
    log: silentLog,
  });
});
afterAll(() => lanes?.close());

interface Columns {
  timestamps_seconds: number[];
  values: Record<string, (number | null)[]>;
}

async function analyse(
  start: (context: TaskContext) => TaskRun,
  samples: Float32Array,
  blockSamples = 8_000,
) {
  const output = await hear(start, samples, { inference: lanes, sampleRateHz: RATE, blockSamples });
  return output as unknown as { segments: Columns } & Record<string, number | null>;
}

const quality = (samples: Float32Array, blockSamples?: number) =>
  analyse((context) => speechQuality.start({}, context), samples, blockSamples);
const pitch = (samples: Float32Array, options: object = {}) =>
  analyse((context) => musicPitch.start(TASKS["music.pitch"].options.parse(options), context), samples);

/**
 * Signed errors in cents of the voiced frames of eight harmonics that glide over four octaves, up from 80 Hz (1) or down to it (-1).
 * With one to three harmonics the model itself is up to 5 ms early.
 */
async function glideErrors(direction: number): Promise<number[]> {
  const seconds = 8;
  const hzAt = (time: number) =>
    80 * 2 ** ((GLIDE_CENTS_A_SECOND / 1_200) * (direction === 1 ? time : seconds - time));
  let phase = 0;
  const glide = Float32Array.from({ length: seconds * RATE }, (_, i) => {
    const hz = hzAt(i / RATE);
    phase += (2 * Math.PI * hz) / RATE;
    const harmonics = [1, 2, 3, 4, 5, 6, 7, 8].filter((harmonic) => harmonic * hz < RATE / 2);
    return harmonics.reduce((sum, harmonic) => sum + (0.2 * Math.sin(harmonic * phase)) / harmonic, 0);
  });
  const { segments } = await pitch(glide);
  const found = segments.timestamps_seconds.map((time, frame) => ({
    time,
    hz: segments.values["f0_hz"]?.[frame] ?? null,
  }));
  const voiced = found.flatMap(({ time, hz }) => (hz === null ? [] : [1_200 * Math.log2(hz / hzAt(time))]));
  expect(voiced.length).toBeGreaterThan(0.9 * found.length);
  return voiced;
}

describe("speech.quality", () => {
  const column = (rows: number[][], index: number) => rows.map((row) => row[index] ?? NaN);

  test.each([
    ["the whole", SPEECH.length, GOLDEN.windows],
    ["audio that is shorter than a window, and so repeated", 64_000, GOLDEN.first_four_seconds],
    ["audio that fills a window and a half second more", 168_000, GOLDEN.first_ten_and_a_half_seconds],
  ])("scores every window as the published script does: %s", async (_, length, windows) => {
    const found = await quality(SPEECH.subarray(0, length), 7_777);
    expect(found.segments.timestamps_seconds).toEqual(windows.map((_, second) => second));
    for (const [index, name] of ["sig", "bak", "ovr", "p808"].entries()) {
      const expected = column(windows, index);
      for (const [window, score] of expected.entries()) {
        expect(Math.abs((found.segments.values[name]?.[window] ?? NaN) - score)).toBeLessThan(2e-3);
      }
      const mean = expected.reduce((sum, score) => sum + score, 0) / expected.length;
      expect(Math.abs((found[name] ?? NaN) - mean)).toBeLessThan(2e-3);
    }
  });

  test("noise lowers the background score, clean speech keeps its own", async () => {
    const random = seededRandom(4);
    const noisy = SPEECH.subarray(0, 160_000).map((sample) => sample + 0.05 * (random() - 0.5));
    const [clean, dirty] = [await quality(SPEECH.subarray(0, 160_000)), await quality(noisy)];
    expect((clean["bak"] ?? 0) - (dirty["bak"] ?? 0)).toBeGreaterThan(0.5);
  });

  test("its mel is librosa's, at the edges too", () => {
    const samples = SPEECH.subarray(0, 144_000);
    const frames = Array.from({ length: 900 }, (_, frame) => dnsmosMelFrame(samples, frame * 160));
    const values = dnsmosLogMel(frames);
    for (const [row, expected] of Object.entries(GOLDEN.mel_rows)) {
      const found = values.subarray(Number(row) * 120, Number(row) * 120 + 120);
      for (const [band, value] of expected.entries())
        expect(Math.abs((found[band] ?? NaN) - value)).toBeLessThan(1e-4);
    }
  });
});

describe("music.pitch", () => {
  const medianOf = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

  test("chunks say what one run over the whole says", async () => {
    const { segments, median_hz: median } = await pitch(SPEECH, { confidence_threshold: 0 });
    const { hz, confidence, every, frames } = GOLDEN.pitch;
    expect(segments.timestamps_seconds).toHaveLength(frames);
    for (const [index, expected] of hz.entries()) {
      const frame = index * every;
      // The last frames see the zeros of the last chunk where the whole run sees its own edge.
      if (frame > frames - 12) continue;
      expect(
        Math.abs((segments.values["confidence"]?.[frame] ?? NaN) - (confidence[index] ?? NaN)),
      ).toBeLessThan(1e-3);
      const found = segments.values["f0_hz"]?.[frame] ?? null;
      if (found !== null) expect(Math.abs(found / expected - 1)).toBeLessThan(1e-3);
    }
    const voiced = (segments.values["f0_hz"] ?? []).filter((hz) => hz !== null);
    expect(voiced.length).toBeGreaterThan(0.9 * frames);
    expect(median).toBe(medianOf(voiced));
  });

  test.each([110, 220, 440, 880, 1_760])(
    "a harmonic tone of %i Hz is found within a fifth of a semitone",
    async (hz) => {
      const samples = new Float32Array(4 * RATE);
      for (const harmonic of [1, 2, 3].filter((harmonic) => harmonic * hz < RATE / 2)) {
        const part = tone({
          hz: hz * harmonic,
          sampleRateHz: RATE,
          seconds: 4,
          peakDbfs: -12 - 6 * harmonic,
        });
        samples.forEach((sample, i) => (samples[i] = sample + (part[i] ?? 0)));
      }
      const { median_hz: median, voiced_ratio: voiced } = await pitch(samples);
      expect(Math.abs(12 * Math.log2((median ?? 0) / hz))).toBeLessThan(0.2);
      expect(voiced).toBeGreaterThan(0.8);
    },
  );

  test("glides are followed: half of the frames within 20 cents, at times within a quarter of a frame of their middles", async () => {
    const medians: number[] = [];
    for (const direction of [1, -1]) {
      const errors = await glideErrors(direction);
      expect(medianOf(errors.map(Math.abs))).toBeLessThan(20);
      medians.push(direction * medianOf(errors));
    }
    // Times that are too early by some give too high a pitch on the way up and too low a one down; a bias of the pitch is the same on both.
    const [up = NaN, down = NaN] = medians;
    expect(Math.abs(up + down) / 2 / GLIDE_CENTS_A_SECOND).toBeLessThan(0.004);
  });

  test("noise and silence have no pitch, and the range leaves out what lies outside of it", async () => {
    const random = seededRandom(9);
    const noise = Float32Array.from({ length: 4 * RATE }, () => random() - 0.5);
    expect(await pitch(noise)).toMatchObject({ voiced_ratio: 0, median_hz: null });
    expect(await pitch(new Float32Array(4 * RATE))).toMatchObject({ voiced_ratio: 0, median_hz: null });
    const a = tone({ hz: 440, sampleRateHz: RATE, seconds: 2, peakDbfs: -12 });
    expect(await pitch(a, { max_hz: 400 })).toMatchObject({ voiced_ratio: 0 });
    expect(await pitch(a, { min_hz: 480 })).toMatchObject({ voiced_ratio: 0 });
  });
});

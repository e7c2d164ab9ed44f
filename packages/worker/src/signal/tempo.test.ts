import { expect, test } from "vitest";
import { MusicMeter } from "./music-meter.ts";
import { isSame } from "./tempo.ts";
import { seededRandom, tone } from "./test-signals.ts";
import { beatsAt, clickTrack } from "./testing/rhythm.ts";

const RATE = 44_100;
const SECONDS = 14;
const TEMPI = [40, 47, 60, 72, 80, 97, 110, 120, 128, 140, 150, 160, 174, 190, 205, 220];

function musicOf(samples: Float32Array, sampleRateHz = RATE) {
  const meter = new MusicMeter(sampleRateHz);
  meter.push(samples);
  return meter.finish();
}

function clicks(bpm: number, options: { offbeatAt?: number; noise?: number; sampleRateHz?: number } = {}) {
  const { sampleRateHz = RATE, ...rest } = options;
  return musicOf(
    clickTrack({ sampleRateHz, seconds: SECONDS, beats: beatsAt(bpm, SECONDS), ...rest }),
    sampleRateHz,
  );
}

test.each(TEMPI)("%i BPM is found, octave and all, in clicks alone and under noise", (bpm) => {
  // At 40 BPM too: a lag that is compared over fewer frames counts no less.
  for (const [noise, confidence] of [
    [0, 0.93],
    [0.2, 0.83],
  ] as const) {
    const { tempo } = clicks(bpm, { noise });
    expect(Math.abs((tempo?.bpm ?? 0) / bpm - 1)).toBeLessThan(0.0005);
    expect(tempo?.confidence).toBeGreaterThan(confidence);
  }
});

test.each([0.5, 0.62, 0.667])(
  "with offbeats at %f of the beat the tempo is right or an octave off",
  (offbeatAt) => {
    const found = TEMPI.map((bpm) => ({
      bpm,
      found: clicks(bpm, { offbeatAt, noise: 0.05 }).tempo?.bpm ?? 0,
    }));
    const octaves = [1, 2, 3, 1 / 2, 1 / 3];
    expect(found.filter(({ bpm, found }) => !octaves.some((factor) => isSame(found, bpm * factor)))).toEqual(
      [],
    );
    // Straight offbeats up to 90 BPM are taken for beats.
    expect(found.filter(({ bpm, found }) => isSame(found, bpm)).length).toBeGreaterThanOrEqual(11);
  },
);

test.each([8_000, 22_050, 48_000, 96_000])("the sample rate does not matter: %i Hz", (sampleRateHz) => {
  expect(clicks(97, { sampleRateHz }).tempo?.bpm).toBeCloseTo(97, 0);
});

test("candidates come best first, with shares of 1 and an octave among them", () => {
  const { tempo } = clicks(90, { offbeatAt: 0.5 });
  const candidates = tempo?.candidates ?? [];
  expect(candidates[0]?.bpm).toBe(tempo?.bpm);
  expect(candidates.reduce((sum, { strength }) => sum + strength, 0)).toBeCloseTo(1);
  expect(candidates.map(({ strength }) => strength)).toEqual(
    candidates.map(({ strength }) => strength).toSorted((a, b) => b - a),
  );
  expect(candidates.some(({ bpm }) => isSame(bpm, 90))).toBe(true);
  expect(candidates.some(({ bpm }) => isSame(bpm, 180))).toBe(true);
});

test("what does not repeat has no tempo and no beats: noise, a held tone, silence, one click, nothing", () => {
  const random = seededRandom(3);
  const noise = Float32Array.from({ length: RATE * SECONDS }, () => random() - 0.5);
  const held = tone({ hz: 440, sampleRateHz: RATE, seconds: SECONDS, peakDbfs: -6 });
  const one = clickTrack({ sampleRateHz: RATE, seconds: SECONDS, beats: [5] });
  for (const samples of [noise, held, new Float32Array(RATE * SECONDS), one, new Float32Array(0)]) {
    expect(musicOf(samples)).toMatchObject({ tempo: null, beats: [] });
  }
});

test("samples that are not finite do not reach the tempo", () => {
  const samples = clickTrack({ sampleRateHz: RATE, seconds: SECONDS, beats: beatsAt(120, SECONDS) });
  samples.set([Number.NaN, Number.POSITIVE_INFINITY], 3 * RATE);
  expect(musicOf(samples).tempo?.bpm).toBeCloseTo(120, 0);
});

test.each([0, 0.04])("each beat is found within 20 ms and none is made up, with %f drift", (drift) => {
  for (const bpm of [60, 90, 120, 174]) {
    const seconds = 20;
    const truth = beatsAt(bpm, seconds, drift);
    const { beats } = musicOf(clickTrack({ sampleRateHz: RATE, seconds, beats: truth }));
    expect(beats).toHaveLength(truth.length);
    for (const [index, beat] of truth.entries())
      expect(Math.abs((beats[index] ?? 0) - beat)).toBeLessThan(0.02);
  }
});

test("blocks of any size give the same", () => {
  const samples = clickTrack({
    sampleRateHz: RATE,
    seconds: SECONDS,
    beats: beatsAt(113, SECONDS),
    noise: 0.1,
  });
  const meter = new MusicMeter(RATE);
  for (let start = 0; start < samples.length; start += 1_237)
    meter.push(samples.subarray(start, start + 1_237));
  expect(meter.finish()).toEqual(musicOf(samples));
});

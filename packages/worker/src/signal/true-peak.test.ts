import { expect, test } from "vitest";
import { amplitudeToDecibels } from "./decibels.ts";
import { cutAtRandom, musicLike, seededRandom, swellingNoise, tone } from "./test-signals.ts";
import { TruePeakMeter } from "./true-peak.ts";
import {
  INTERPOLATOR_TAPS,
  largestInterpolated,
  largestMagnitude,
  MIDDLE_PHASES,
  OUTER_PHASES,
} from "./true-peak-interpolator.ts";

const RATES = [44_100, 48_000, 96_000];
/** EBU Tech 3341: amplitude, samples in a period, phase in degrees. */
const CASES = [
  ["15", 0.5, 4, 0],
  ["16", 0.5, 4, 45],
  ["17", 0.5, 6, 60],
  ["18", 0.5, 8, 67.5],
  ["19", 1.41, 4, 45],
] as const;

test.each(RATES.flatMap((rate) => CASES.map((each) => [rate, ...each] as const)))(
  "at %i Hz EBU Tech 3341 case %s is read within +0.2 and -0.4 dB",
  (sampleRateHz, _, amplitude, period, phaseDegrees) => {
    const peakDbfs = amplitudeToDecibels(amplitude);
    const sine = tone({ hz: sampleRateHz / period, sampleRateHz, seconds: 0.5, peakDbfs, phaseDegrees });
    const error = (truePeak(sampleRateHz, [sine]) ?? Number.NaN) - peakDbfs;
    expect(error).toBeLessThanOrEqual(0.2);
    expect(error).toBeGreaterThanOrEqual(-0.4);
  },
);

test("the loudest channel counts", () => {
  const at = (peakDbfs: number) => tone({ hz: 997, sampleRateHz: 48_000, seconds: 1, peakDbfs });
  expect(truePeak(48_000, [at(-3), at(-20)])).toBeCloseTo(-3, 1);
  expect(truePeak(48_000, [at(-20), at(-3)])).toBeCloseTo(-3, 1);
});

test("a single sample counts, wherever it stands", () => {
  for (const position of [0, 5, 4_095, 4_096, 9_999]) {
    const samples = new Float32Array(10_000);
    samples[position] = -0.5;
    expect(truePeak(48_000, [samples])).toBeCloseTo(-6.02, 2);
  }
  expect(truePeak(48_000, [Float32Array.of(0.5)])).toBeCloseTo(-6.02, 2);
});

test("from 192 kHz on the samples themselves are the peak", () => {
  const between = tone({ hz: 48_000, sampleRateHz: 192_000, seconds: 0.1, peakDbfs: 0, phaseDegrees: 45 });
  expect(truePeak(192_000, [between])).toBeCloseTo(-3.01, 2);
});

test.each([
  ["noise", [swellingNoise(44_100, 3, 3), swellingNoise(44_100, 3, 4)]],
  ["music", [musicLike(44_100, 3, 1), musicLike(44_100, 3, 2)]],
])("on %s, passing over quiet stretches and cutting blocks changes no bit", (_, channels) => {
  // A block of one sample has a stretch of its own, so that cuts and skips fall anywhere.
  const cut = new TruePeakMeter(44_100, 2);
  for (const block of cutAtRandom(channels, 40, seededRandom(11))) cut.push(block);
  expect(cut.peakDbtp()).toBe(truePeak(44_100, channels));
  expect(cut.peakDbtp()).toBe(exhaustivePeak(channels));
});

test("silence, and nothing at all, have no peak", () => {
  expect(truePeak(48_000, [new Float32Array(48_000)])).toBeNull();
  expect(truePeak(48_000, [new Float32Array(0)])).toBeNull();
});

function truePeak(sampleRateHz: number, channels: Float32Array[]): number | null {
  const meter = new TruePeakMeter(sampleRateHz, channels.length);
  meter.push(channels);
  return meter.peakDbtp();
}

/** Every window of every channel, nothing passed over. */
function exhaustivePeak(channels: Float32Array[]): number {
  const peaks = channels.flatMap((samples) => [
    largestMagnitude(samples, 0, samples.length),
    ...[OUTER_PHASES, MIDDLE_PHASES].map((phases) =>
      largestInterpolated(phases, samples, 0, samples.length - INTERPOLATOR_TAPS + 1),
    ),
  ]);
  return amplitudeToDecibels(Math.max(...peaks));
}

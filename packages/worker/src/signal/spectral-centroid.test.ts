import { expect, test } from "vitest";
import { SpectralCentroid } from "./spectral-centroid.ts";
import { seededRandom, tone } from "./test-signals.ts";

const RATE = 44_100;

function centroidOf(samples: Float32Array): number | null {
  const centroid = new SpectralCentroid(RATE);
  centroid.push(samples);
  return centroid.finish();
}

test("a tone's centroid is its frequency, of two equal tones the middle", () => {
  const low = tone({ hz: 1_000, sampleRateHz: RATE, seconds: 2, peakDbfs: -12 });
  const high = tone({ hz: 5_000, sampleRateHz: RATE, seconds: 2, peakDbfs: -12 });
  expect(centroidOf(low) ?? 0).toBeCloseTo(1_000, -2);
  expect(centroidOf(low.map((sample, i) => sample + (high[i] ?? 0))) ?? 0).toBeCloseTo(3_000, -2);
});

test("white noise lies at a quarter of the sample rate", () => {
  const random = seededRandom(1);
  const noise = Float32Array.from({ length: 4 * RATE }, () => random() - 0.5);
  expect((centroidOf(noise) ?? 0) / (RATE / 4)).toBeCloseTo(1, 1);
});

test("silence weighs nothing, and alone has no centroid", () => {
  const half = tone({ hz: 1_000, sampleRateHz: RATE, seconds: 4, peakDbfs: -12 }).fill(0, 2 * RATE);
  expect(centroidOf(half) ?? 0).toBeCloseTo(1_000, -2);
  expect(centroidOf(new Float32Array(2 * RATE))).toBeNull();
});

import { expect, test } from "vitest";
import { KWeightedEnergy, kWeighting } from "./k-weighting.ts";
import { tone } from "./test-signals.ts";

test("at 48 kHz the coefficients are those printed in BS.1770", () => {
  const { shelf, highPass } = kWeighting(48_000);
  expect(shelf.b0).toBeCloseTo(1.53512485958697, 10);
  expect(shelf.b1).toBeCloseTo(-2.69169618940638, 10);
  expect(shelf.b2).toBeCloseTo(1.19839281085285, 10);
  expect(shelf.a1).toBeCloseTo(-1.69065929318241, 10);
  expect(shelf.a2).toBeCloseTo(0.73248077421585, 10);
  expect(highPass.a1).toBeCloseTo(-1.99004745483398, 10);
  expect(highPass.a2).toBeCloseTo(0.99007225036621, 10);
});

test.each([8_000, 22_050, 44_100, 96_000, 192_000])(
  "at %i Hz a 1 kHz tone gains the same 0.69 dB",
  (sampleRateHz) => {
    const gainDb = 10 * Math.log10(energyOfTone(sampleRateHz, 1_000) / (sampleRateHz / 2));
    expect(gainDb).toBeCloseTo(0.691, 1);
  },
);

test.each([1, 50, 1_000, 3_000])(
  "at %i Hz, too slow for the shelf, the filter stays stable",
  (sampleRateHz) => {
    expect(energyOfTone(sampleRateHz, sampleRateHz / 8)).toBeLessThan(2 * sampleRateHz);
  },
);

test("a sample that is not a number spoils only what is taken next", () => {
  const weighted = new KWeightedEnergy(48_000);
  weighted.add(Float32Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY, 0.5));
  expect(weighted.take()).toBeNaN();
  weighted.add(Float32Array.of(0.5, 0.5));
  expect(weighted.take()).toBeGreaterThan(0);
});

/** Of the second second of a full-scale tone, when the filter has settled. */
function energyOfTone(sampleRateHz: number, hz: number): number {
  const weighted = new KWeightedEnergy(sampleRateHz);
  const samples = tone({ hz, sampleRateHz, seconds: 2, peakDbfs: 0 });
  weighted.add(samples.subarray(0, sampleRateHz));
  weighted.take();
  weighted.add(samples.subarray(sampleRateHz));
  return weighted.take();
}

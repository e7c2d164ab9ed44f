import { describe, expect, test } from "vitest";
import { PowerSpectrum } from "./fft.ts";
import { applyMelBank, createMelBank } from "./mel-bank.ts";
import type { MelBank } from "./mel-bank.ts";
import { MusicnnMel } from "./musicnn-mel.ts";
import { cutAtRandom, seededRandom } from "./test-signals.ts";
import { GOLDEN_NAMES, goldenMel, goldenSamples } from "./testing/musicnn-golden.ts";

/** Every wrong variant below is further off than this, the right one less than a third of it. */
const TOLERANCE = 1e-4;

test.each(GOLDEN_NAMES)("the mel of %s is the reference's", (name) => {
  const mel = melOf([goldenSamples(name)]);
  expect(mel.length).toBe(goldenMel(name).length);
  expect(largestError(mel, goldenMel(name))).toBeLessThan(TOLERANCE / 3);
});

test("blocks of any size give the same bits", () => {
  const samples = goldenSamples("sweep_noise").subarray(0, 40_123);
  const whole = melOf([samples]);
  const random = seededRandom(7);
  for (const size of [1, 255, 256, 257, 512, 8_000]) {
    const blocks = [...cutAtRandom([samples], size, random)].flatMap(([block]) => block ?? []);
    expect(melOf(blocks), `blocks of up to ${size}`).toEqual(whole);
  }
});

test.each([
  [0, 1],
  [1, 2],
  [255, 2],
  [256, 2],
  [257, 3],
  [512, 3],
  [16_000, 64],
])("%d samples give %d frames", (samples, frames) => {
  expect(melOf([new Float32Array(samples)]).length / 96).toBe(frames);
});

test("silence is zero in every band", () => {
  expect(melOf([new Float32Array(1_000)]).every((value) => value === 0)).toBe(true);
});

interface Variant {
  window?: (i: number) => number;
  hop?: number;
  /** Where frame 0 begins. */
  origin?: number;
  scale?: number;
  log?: (value: number) => number;
  spectrum?: (power: number) => number;
  bank?: MelBank;
}

const RIGHT = {
  window: (i: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 511),
  hop: 256,
  origin: -256,
  scale: 10_000,
  log: Math.log10,
  spectrum: (power: number) => power,
  bank: createMelBank({ bands: 96, bins: 257, sampleRateHz: 16_000, lowHz: 0, highHz: 8_000 }),
};

describe("on a second way of computing it, the tolerance", () => {
  const samples = goldenSamples("sweep_noise");
  const golden = goldenMel("sweep_noise");

  test("lets the right variant pass", () => {
    expect(largestError(variantOf(samples, {}), golden)).toBeLessThan(TOLERANCE);
  });

  const wrong: [string, Variant][] = [
    ["a periodic window", { window: (i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 512) }],
    ["a Hamming window", { window: (i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / 511) }],
    ["a normalised window", { window: (i) => RIGHT.window(i) / 255.5 }],
    ["a hop that is one sample too short", { hop: 255 }],
    ["a hop that is one sample too long", { hop: 257 }],
    ["frames that are not centred", { origin: 0 }],
    ["frames that are one sample early", { origin: -257 }],
    ["frames that are one sample late", { origin: -255 }],
    ["a scale of 1000", { scale: 1_000 }],
    ["the natural logarithm", { log: Math.log }],
    ["the magnitude instead of the power", { spectrum: Math.sqrt }],
    ["a bank of doubles", { bank: bankOfDoubles() }],
    ["triangles of equal height", { bank: { ...RIGHT.bank, weights: equalHeights(RIGHT.bank) } }],
  ];
  test.each(wrong)("catches %s", (_what, variant) => {
    expect(largestError(variantOf(samples, variant), golden)).toBeGreaterThan(TOLERANCE);
  });
});

function melOf(blocks: readonly Float32Array[]): Float32Array {
  const frames: Float32Array[] = [];
  const mel = new MusicnnMel((frame) => frames.push(frame.slice()));
  for (const block of blocks) mel.push(block);
  mel.finish();
  return concatenated(frames);
}

/** The whole audio at once, with each choice open. */
function variantOf(samples: Float32Array, changed: Variant): Float32Array {
  const { window, hop, origin, scale, log, spectrum, bank } = { ...RIGHT, ...changed };
  const transform = new PowerSpectrum(512);
  const power = new Float32Array(257);
  const frames = Array.from({ length: Math.ceil(samples.length / 256) + 1 }, (_, frame) => {
    const first = origin + frame * hop;
    transform.compute(
      Float32Array.from({ length: 512 }, (_, i) => window(i) * (samples[first + i] ?? 0)),
      power,
    );
    const out = new Float32Array(96);
    applyMelBank(bank, power.map(spectrum), out);
    return out.map((band) => log(1 + scale * band));
  });
  return concatenated(frames);
}

/** The formulas of the bank, as anybody would write them. */
function bankOfDoubles(): MelBank {
  const logStep = Math.log(6.4) / 27;
  const highest = 15 + Math.log(8) / logStep;
  const hz = Array.from({ length: 98 }, (_, i) => {
    const mel = (i * highest) / 97;
    return mel < 15 ? (mel * 200) / 3 : 1_000 * Math.exp((mel - 15) * logStep);
  });
  const weights = Array.from({ length: 96 }, (_, band) => {
    const [left = 0, peak = 0, right = 0] = hz.slice(band, band + 3);
    return Float32Array.from({ length: 257 }, (_, bin) => {
      const [rise, fall] = [(bin * 31.25 - left) / (peak - left), (right - bin * 31.25) / (right - peak)];
      return Math.max(0, Math.min(rise, fall)) / ((right - left) / 2);
    });
  });
  return { starts: new Int32Array(96), weights, hz: Float32Array.from(hz) };
}

function equalHeights({ weights, hz }: MelBank): Float32Array[] {
  return weights.map((filter, band) =>
    filter.map((weight) => (weight * ((hz[band + 2] ?? NaN) - (hz[band] ?? NaN))) / 2),
  );
}

function concatenated(frames: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(frames.length * 96);
  frames.forEach((frame, i) => all.set(frame, i * 96));
  return all;
}

function largestError(found: Float32Array, expected: Float32Array): number {
  return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (expected[i] ?? NaN))), 0);
}

import { expect, test } from "vitest";
import { createResampler } from "./resample.ts";
import { cutAtRandom, seededRandom, tone } from "./test-signals.ts";

/** The last has more fractions of a sample than rows in the table of taps. */
const RATIOS = [
  [44_100, 16_000],
  [48_000, 16_000],
  [8_000, 16_000],
  [11_025, 22_050],
  [22_051, 16_000],
] as const;

test.each(RATIOS)("%i → %i Hz: tones up to 90 % of the band come out in time and in level", (from, to) => {
  for (const share of [0.01, 0.5, 0.85, 0.9]) {
    const hz = (share * Math.min(from, to)) / 2;
    const output = resampled(tone({ hz, sampleRateHz: from, seconds: 1, peakDbfs: 0 }), from, to);
    const expected = tone({ hz, sampleRateHz: to, seconds: 1, peakDbfs: 0 });
    const error = middle(output).map((value, i) => value - (middle(expected)[i] ?? 0));
    expect(levelDb(error), `at ${share} of the band`).toBeLessThan(-90);
  }
});

test.each(RATIOS.filter(([from, to]) => from > to))(
  "%i → %i Hz: tones above the new band vanish",
  (from, to) => {
    for (const hz of [to * 0.5 + 50, to * 0.55, to * 0.6, from * 0.49]) {
      const output = resampled(tone({ hz, sampleRateHz: from, seconds: 1, peakDbfs: 0 }), from, to);
      expect(levelDb(middle(output)), `at ${hz} Hz`).toBeLessThan(-90);
    }
  },
);

test("going up leaves no image of the old band", () => {
  const hz = 3_500;
  const output = resampled(tone({ hz, sampleRateHz: 8_000, seconds: 1, peakDbfs: 0 }), 8_000, 16_000);
  const imageHz = 8_000 - hz;
  const image = middle(output).reduce(
    (sum, x, i) => sum + x * Math.sin((2 * Math.PI * imageHz * i) / 16_000),
    0,
  );
  expect(20 * Math.log10(Math.abs(image) / middle(output).length)).toBeLessThan(-90);
});

test.each([0, 1, 2, 100, 44_099, 44_100])("%i samples give ceil(n · to / from)", (length) => {
  expect(resampled(new Float32Array(length), 44_100, 16_000)).toHaveLength(
    Math.ceil((length * 16_000) / 44_100),
  );
  expect(resampled(new Float32Array(length), 8_000, 22_050)).toHaveLength(
    Math.ceil((length * 22_050) / 8_000),
  );
});

test.each(RATIOS)("%i → %i Hz: however the blocks are cut, the samples are the same", (from, to) => {
  const random = seededRandom(9);
  const input = Float32Array.from({ length: 20_000 }, () => 2 * random() - 1);
  const resampler = createResampler(from, to);
  const pieces = [...cutAtRandom([input], 1_500, random)].map(([block = new Float32Array(0)]) =>
    resampler.push(block),
  );
  expect(joined([...pieces, resampler.flush()])).toEqual(resampled(input, from, to));
});

test("equal rates give the samples back, in an array of their own", () => {
  const input = Float32Array.of(0.1, -0.2, 0.3);
  const output = createResampler(16_000, 16_000).push(input);
  expect(output).toEqual(input);
  expect(output.buffer).not.toBe(input.buffer);
});

function resampled(input: Float32Array, from: number, to: number): Float32Array {
  const resampler = createResampler(from, to);
  return joined([resampler.push(input), resampler.flush()]);
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

/** Without the ends, where the tone starts and stops. */
function middle(samples: Float32Array): Float32Array {
  return samples.subarray(samples.length / 4, (samples.length * 3) / 4);
}

/** RMS relative to a full-scale sine. */
function levelDb(samples: Float32Array): number {
  return 10 * Math.log10((2 * samples.reduce((sum, x) => sum + x * x, 0)) / samples.length);
}

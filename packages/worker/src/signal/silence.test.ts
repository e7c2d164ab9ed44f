import { expect, test } from "vitest";
import { SilenceDetector } from "./silence.ts";
import { cutAtRandom, seededRandom, tone } from "./test-signals.ts";

const SAMPLE_RATE_HZ = 8_000;

test("a gap in a tone is one span, to the sample", () => {
  const samples = loud(3).fill(0, 8_000, 14_000);
  expect(silences([samples])).toEqual([{ start: 1, end: 1.75 }]);
});

test("silence is what every channel shares", () => {
  const left = loud(4).fill(0, 8_000, 24_000);
  const right = loud(4).fill(0, 12_000, 32_000);
  expect(silences([left, right])).toEqual([{ start: 1.5, end: 3 }]);
});

test("silences at both ends and all of a silent file are found", () => {
  expect(silences([loud(3).fill(0, 0, 8_000).fill(0, 16_000)])).toEqual([
    { start: 0, end: 1 },
    { start: 2, end: 3 },
  ]);
  expect(silences([new Float32Array(24_000)])).toEqual([{ start: 0, end: 3 }]);
});

test("a silence of exactly the shortest length counts, one sample less doesn't", () => {
  expect(silences([loud(2).fill(0, 4_000, 8_000)])).toHaveLength(1);
  expect(silences([loud(2).fill(0, 4_000, 7_999)])).toHaveLength(0);
});

test("a sample at the threshold is loud, one under it isn't", () => {
  const steady = (value: number) => new Float32Array(8_000).fill(value);
  expect(silences([steady(-0.001)])).toEqual([]);
  expect(silences([steady(-0.000_999)])).toEqual([{ start: 0, end: 1 }]);
});

test("with no shortest length asked for, single quiet samples are still no silences", () => {
  const zeroCrossings = Float32Array.from({ length: 8_000 }, (_, i) => i % 2);
  expect(silences([zeroCrossings], 0)).toEqual([]);
});

test("no audio has no silence", () => {
  expect(silences([new Float32Array(0)], 0)).toEqual([]);
});

test("however the blocks are cut, the spans are the same", () => {
  const samples = loud(5).fill(0, 3_000, 12_345).fill(0, 20_000, 31_007);
  const cut = detector(0.5);
  for (const block of cutAtRandom([samples], 2_000, seededRandom(3))) cut.push(block);
  expect(cut.finish()).toEqual(silences([samples]));
});

/** A square wave, so that no sample of it is quiet. */
function loud(seconds: number): Float32Array {
  return tone({ hz: 500, sampleRateHz: SAMPLE_RATE_HZ, seconds, peakDbfs: 0 }).map((x) =>
    x < 0 ? -0.5 : 0.5,
  );
}

function detector(minSeconds: number): SilenceDetector {
  return new SilenceDetector({ sampleRateHz: SAMPLE_RATE_HZ, thresholdDbfs: -60, minSeconds });
}

function silences(channels: Float32Array[], minSeconds = 0.5) {
  const detect = detector(minSeconds);
  detect.push(channels);
  return detect.finish();
}

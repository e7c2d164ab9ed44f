import { expect, test } from "vitest";
import { SpeechSegmenter } from "./speech-segmenter.ts";
import type { SegmenterOptions } from "./speech-segmenter.ts";

const WINDOW = 100;
const EXACT: SegmenterOptions = {
  windowSamples: WINDOW,
  threshold: 0.5,
  thresholdOff: 0.35,
  minSpeechSamples: 0,
  minSilenceSamples: 0,
  paddingSamples: 0,
};

/** Speech found in a drawing of it: one character a window, `#` 0.9, `+` 0.4 (between the thresholds), `.` 0.1. */
function spansOf(
  drawing: string,
  options: Partial<SegmenterOptions> = {},
  totalSamples = drawing.length * WINDOW,
) {
  const segmenter = new SpeechSegmenter({ ...EXACT, ...options });
  for (const window of drawing) segmenter.push({ "#": 0.9, "+": 0.4 }[window] ?? 0.1);
  return segmenter.finish(totalSamples).map(({ start, end }) => [start, end]);
}

test("speech lasts from the first window that is on to the first that is off", () => {
  expect(spansOf("..##..###.")).toEqual([
    [200, 400],
    [600, 900],
  ]);
});

test("a probability at the threshold is speech, one just below it is not", () => {
  const segmenter = new SpeechSegmenter(EXACT);
  for (const probability of [0.499, 0.5, 0.1]) segmenter.push(probability);
  expect(segmenter.finish(300)).toEqual([{ start: 100, end: 200 }]);
});

test("a window between the thresholds keeps speech going and does not begin it", () => {
  expect(spansOf(".++##++.+")).toEqual([[300, 700]]);
});

test("a threshold below the default of the other one still ends speech", () => {
  expect(spansOf("++..++..", { threshold: 0.3, thresholdOff: 0.35 })).toEqual([
    [0, 200],
    [400, 600],
  ]);
});

test("a silence shorter than the minimum does not split speech, and one that lasts ends it where it began", () => {
  expect(spansOf("##..##...#", { minSilenceSamples: 200 })).toEqual([
    [0, 600],
    [900, 1000],
  ]);
});

test("a window between the thresholds does not interrupt a silence", () => {
  expect(spansOf("##.+.#", { minSilenceSamples: 200 })).toEqual([
    [0, 200],
    [500, 600],
  ]);
});

test("speech that does not last longer than the minimum is dropped", () => {
  expect(spansOf("##..###..", { minSpeechSamples: 200 })).toEqual([[400, 700]]);
});

test("speech that goes on at the end lasts to the true end of the audio", () => {
  expect(spansOf(".###", {}, 350)).toEqual([[100, 350]]);
});

test("a last silence that is too short to count belongs to the speech before it", () => {
  expect(spansOf("###.", { minSilenceSamples: 200 })).toEqual([[0, 400]]);
});

test("padding stays inside the audio", () => {
  expect(spansOf("#..#", { paddingSamples: 30 })).toEqual([
    [0, 130],
    [270, 400],
  ]);
});

test("padding of neighbours meets in the middle of the gap", () => {
  expect(spansOf("..#.#..", { paddingSamples: 80 })).toEqual([
    [120, 350],
    [350, 580],
  ]);
});

test("no speech gives no spans", () => {
  expect(spansOf("....+++.")).toEqual([]);
  expect(spansOf("")).toEqual([]);
});

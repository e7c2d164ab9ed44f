import { expect, test } from "vitest";
import { timelinesOf } from "./timelines.ts";

const columns = (timestamps_seconds: number[], values: (number | null)[]) => ({
  model: null,
  segments: { timestamps_seconds, values: { f0_hz: values } },
});

test("columns and spans that fit their audio have lengths, a hop and no problem", () => {
  const result = {
    ...columns([0.5, 1.5, 2.5], [220, null, 221]),
    turns: [{ start: 0, end: 3, speaker: "one" }],
  };
  expect(timelinesOf(result, 3)).toEqual({
    timelines: [
      { name: "segments.timestamps_seconds", length: 3 },
      { name: "segments.values.f0_hz", length: 3 },
      { name: "turns", length: 1 },
    ],
    hopSeconds: 1,
    problems: [],
  });
});

test.each([
  ["a column that is shorter", columns([0, 1, 2], [1, 2]), "columns are 3 and 2 long"],
  ["a value that is no number", columns([0, 1], [1, NaN]), "segments.values.f0_hz.1 is NaN"],
  ["times that go back", columns([0, 2, 1], [1, 2, 3]), "segments.timestamps_seconds[2]"],
  ["a beat behind the end", { beats: [1, 2, 3.1] }, "beats[2]"],
  ["a span that ends before it begins", { words: [{ start: 2, end: 1 }] }, "words[0]"],
  ["a span behind the end", { notes: [{ start: 2, end: 3.1 }] }, "notes[0]"],
  ["something that is not there", { speakers: [{ speech_seconds: undefined }] }, "speakers.0.speech_seconds"],
])("%s is a problem", (_what, result, problem) => {
  expect(timelinesOf(result, 3).problems).toEqual([expect.stringContaining(problem)]);
});

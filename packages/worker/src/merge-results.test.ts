import type { TaskResult } from "@earshot/shared/domain/results";
import { expect, test } from "vitest";
import { mergeResults } from "./merge-results.ts";

const HEAD = { status: "succeeded", model: "m", version: "1", device: "cpu" } as const;
const TRANSCRIPTION: TaskResult = {
  task: "speech.transcription",
  ...HEAD,
  language: "en",
  language_probability: 1,
  text: "Yes. No.",
  words: [
    { text: "Yes.", start: 0, end: 1, confidence: 1 },
    { text: "No.", start: 2, end: 3, confidence: 1 },
  ],
  utterances: [{ start: 0, end: 3, text: "Yes. No.", confidence: 1 }],
};
const SPEAKERS: TaskResult = {
  task: "speech.speakers",
  ...HEAD,
  exclusive_turns: [
    { start: 0, end: 1.5, speaker: "speaker_1" },
    { start: 1.5, end: 3, speaker: "speaker_2" },
  ],
};
const OTHER: TaskResult = { task: "audio.features", ...HEAD, tempo_bpm: 100 };
const FAILED = {
  ...HEAD,
  status: "failed",
  error: { code: "model_unavailable", message: "It is not here." },
} as const;

test("words and utterances have the speakers that another task of the job found, in whatever order they were asked for", () => {
  const merged = {
    ...TRANSCRIPTION,
    words: [
      { text: "Yes.", start: 0, end: 1, confidence: 1, speaker: "speaker_1" },
      { text: "No.", start: 2, end: 3, confidence: 1, speaker: "speaker_2" },
    ],
    utterances: [
      { start: 0, end: 1, text: "Yes.", confidence: 1, speaker: "speaker_1" },
      { start: 2, end: 3, text: "No.", confidence: 1, speaker: "speaker_2" },
    ],
  };
  expect(mergeResults([TRANSCRIPTION, OTHER, SPEAKERS])).toEqual([merged, OTHER, SPEAKERS]);
  expect(mergeResults([SPEAKERS, TRANSCRIPTION])).toEqual([SPEAKERS, merged]);
});

test.each<[string, TaskResult[]]>([
  ["the speakers", [TRANSCRIPTION, { ...FAILED, task: "speech.speakers" }]],
  ["the transcription", [{ ...FAILED, task: "speech.transcription" }, SPEAKERS]],
  ["both", [OTHER]],
])("without %s the other one's result is as it was", (_, results) => {
  expect(mergeResults(results)).toEqual(results);
});

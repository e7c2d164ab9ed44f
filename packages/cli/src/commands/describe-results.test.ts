import { expect, test } from "vitest";
import { describeResults } from "./describe-results.ts";

const INPUT = { duration_seconds: 12.5, codec: "flac", channels: 2, sample_rate: 44_100 };

/** What is said of one task, without the line about the audio. */
function said(result: { task: string; [field: string]: unknown }): string[] {
  const [, ...lines] = describeResults({ input: INPUT, results: [result] }).split("\n");
  return lines;
}

test("tags are the five best with their scores, best first", () => {
  const scores = { rock: 0.3, pop: 0.51, jazz: 0.02, guitar: 0.4567, "female vocalists": 0.1, metal: 0.05 };
  expect(said({ task: "music.tags", scores })).toEqual([
    "  tags                pop 0.51, guitar 0.46, rock 0.30, female vocalists 0.10, metal 0.05",
  ]);
});

test("a mood is the tags of two tiers and the surer class of each head", () => {
  const heads = {
    mood_happy: { happy: 0.2, non_happy: 0.8 },
    voice_instrumental: { instrumental: 0.06, voice: 0.94 },
  };
  const tags = { strict: ["voice"], regular: ["voice", "female"], loose: ["voice", "female", "tonal"] };
  expect(said({ task: "music.mood", heads, tags })).toEqual([
    "  mood, strict        voice",
    "  mood, regular       voice, female",
    "  mood_happy          non_happy 0.80",
    "  voice_instrumental  voice 0.94",
  ]);
});

test("a mood that no head is sure of says so", () => {
  const tags = { strict: [], regular: [], loose: [] };
  expect(said({ task: "music.mood", heads: {}, tags })).toEqual([
    "  mood, strict        none",
    "  mood, regular       none",
  ]);
});

test("of an embedding its space and its dimensions are told, not its numbers", () => {
  const result = { task: "music.embedding", space: "msd-musicnn-1@0123456789ab", vector: [0.25, 1, -3] };
  expect(said(result)).toEqual(["  embedding           3 dimensions in msd-musicnn-1@0123456789ab"]);
});

test("a task that failed says why", () => {
  const error = { code: "input_too_short", message: "The audio is too short." };
  expect(said({ task: "music.tags", error })).toEqual([
    "  music.tags          failed: The audio is too short.",
  ]);
});

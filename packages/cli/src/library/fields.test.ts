import { expect, test } from "vitest";
import { parseCondition } from "./conditions.ts";
import { fieldsOf } from "./fields.ts";
import { FORMATS } from "./formats.ts";

const task = (name: string, fields: object, status = "succeeded") => ({
  task: name,
  status,
  model: "m",
  version: "1",
  ...fields,
});

const RESULT = {
  input: {
    duration_seconds: 61.6,
    codec: "flac",
    channels: 2,
    sample_rate: 44_100,
    tags: { title: 'A, "B"' },
  },
  results: [
    task("audio.features", { tempo_bpm: 120.4, key: "A", scale: "minor", loudness_lufs: -9.5, silences: [] }),
    task("music.tags", { scores: { rock: 0.5, jazz: 0.05, pop: 0.7 } }),
    task("music.mood", {
      heads: { mood_happy: { happy: 0.8, non_happy: 0.2 }, gender: { female: 0.3, male: 0.7 } },
      tags: { strict: [], regular: ["happy", "danceable"], loose: ["happy"] },
      segments: { timestamps_seconds: [], values: { mood_happy: { happy: [] }, gender: { female: [] } } },
    }),
    task("speech.quality", { sig: 3 }, "failed"),
  ],
};

test("a result is flat: scalars, the positive class of each head, words; what failed is left out", () => {
  expect(fieldsOf(RESULT)).toEqual({
    duration_seconds: 61.6,
    codec: "flac",
    channels: 2,
    sample_rate: 44_100,
    tempo_bpm: 120.4,
    key: "A",
    scale: "minor",
    loudness_lufs: -9.5,
    tags: ["pop", "rock"],
    "tags.rock": 0.5,
    "tags.jazz": 0.05,
    "tags.pop": 0.7,
    moods: ["happy", "danceable"],
    mood_happy: 0.8,
    gender: 0.3,
    models: ["m@1"],
  });
});

test.each([
  ["tempo_bpm>=120.4", true],
  ["tempo_bpm>120.4", false],
  ["tempo_bpm < 121", true],
  ["tempo_bpm<=120", false],
  ["key=a", true],
  ["key!=A", false],
  ["scale != major", true],
  ["moods=happy", true],
  ["moods=sad", false],
  ["tags.rock>0.3", true],
  ["channels=2", true],
  ["sig>1", false],
  ["nothing!=x", false],
])("%s: %s", (text, expected) => {
  expect(parseCondition(text)?.(fieldsOf(RESULT))).toBe(expected);
});

test.each(["tempo", "tempo_bpm>fast", "=3", "a b=c"])("%s is no condition", (text) => {
  expect(parseCondition(text)).toBeNull();
});

test("a table quotes what has to be, and a playlist has a line of length and name before each path", () => {
  const row = {
    path: 'x, "y".flac',
    jobId: "job_1",
    entry: { path: "", size: 1, mtimeMs: 1, sha256: "", fingerprint: "", state: "succeeded" as const },
    fields: fieldsOf(RESULT),
    title: "Two\nlines",
    artist: "Who",
    result: RESULT,
  };
  const [line = ""] = FORMATS.csv.lines(row);
  expect(FORMATS.csv.head[0]?.split(",").slice(0, 4)).toEqual([
    "path",
    "duration_seconds",
    "codec",
    "channels",
  ]);
  expect(line).toMatch(/^"x, ""y""\.flac",61\.6,flac,2,44100,-9\.5,/);
  expect(line).toContain("happy; danceable,pop; rock,m@1");
  expect(FORMATS.m3u.lines(row)).toEqual(["#EXTINF:62,Who - Two lines", 'x, "y".flac']);
  expect(JSON.parse(FORMATS.json.lines(row)[0] ?? "")).toMatchObject({
    path: row.path,
    job_id: "job_1",
    results: RESULT.results,
  });
});

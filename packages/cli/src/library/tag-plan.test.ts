import { expect, test } from "vitest";
import { planTags } from "./tag-plan.ts";
import type { Change, TagField } from "./tag-plan.ts";

const FOUND = {
  tempo_bpm: 127.6,
  key: "F#",
  scale: "minor",
  moods: ["happy", "party"],
  tags: ["rock"],
  loudness_lufs: -9.5,
  true_peak_dbtp: -6.0206,
  models: ["musicnn@1"],
};
const ALL: TagField[] = ["bpm", "key", "mood", "tags", "replaygain"];

const after = (changes: Change[]) =>
  Object.fromEntries(changes.map(({ name, after: values }) => [name, values]));
const applied = (before: object, changes: Change[]) => ({ ...before, ...after(changes) });

test("each field has the tag of its kind", () => {
  expect(after(planTags({}, FOUND, { fields: ALL, overwrite: false }))).toMatchObject({
    BPM: ["128"],
    INITIALKEY: ["F#m"],
    MOOD: ["happy", "party"],
    EARSHOT_TAGS: ["rock"],
    REPLAYGAIN_TRACK_GAIN: ["-8.50 dB"],
    REPLAYGAIN_TRACK_PEAK: ["0.500000"],
    EARSHOT_MODELS: ["musicnn@1"],
  });
});

test("what is not known is not written, and where nothing is nothing is changed", () => {
  expect(planTags({ title: ["x"] }, { codec: "flac", moods: [] }, { fields: ALL, overwrite: false })).toEqual(
    [],
  );
});

test("what somebody else has written stays, whatever the case of its name, unless it is to be overwritten", () => {
  const before = { bpm: ["90"] };
  const request = { fields: ["bpm", "key"] as const, overwrite: false };
  expect(after(planTags(before, FOUND, request))).not.toHaveProperty("BPM");
  expect(planTags(before, FOUND, { ...request, overwrite: true })).toContainEqual({
    name: "BPM",
    before: ["90"],
    after: ["128"],
  });
});

test("what was written here is renewed; what was changed by hand since then is not; a second time changes nothing", () => {
  const request = { fields: ["bpm", "key"] as const, overwrite: false };
  const first = applied({}, planTags({}, FOUND, request));
  expect(planTags(first, FOUND, request)).toEqual([]);
  const later = { ...FOUND, tempo_bpm: 64, key: "C", scale: "major" };
  expect(after(planTags(first, later, request))).toMatchObject({ BPM: ["64"], INITIALKEY: ["C"] });
  const byHand = { ...first, BPM: ["127"] };
  const changes = after(planTags(byHand, later, request));
  expect(changes).not.toHaveProperty("BPM");
  expect(changes).toMatchObject({ INITIALKEY: ["C"] });
});

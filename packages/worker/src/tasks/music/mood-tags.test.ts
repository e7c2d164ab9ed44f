import { expect, test } from "vitest";
import { moodTags, TIERS } from "./mood-tags.ts";

test.each([
  [0.95, ["strict", "regular", "loose"]],
  [0.9, ["strict", "regular", "loose"]],
  [0.89, ["regular", "loose"]],
  [0.75, ["regular", "loose"]],
  [0.74, ["loose"]],
  [0.6, ["loose"]],
  [0.59, []],
])("a probability of %d makes a tag in %j", (party, tiers) => {
  const tags = moodTags({ party, non_party: 1 - party });
  expect(Object.entries(tags).flatMap(([tier, names]) => (names.includes("party") ? [tier] : []))).toEqual(
    tiers,
  );
  expect(tags.loose).not.toContain("non_party");
});

test.each([
  ["happy", "sad"],
  ["aggressive", "relaxed"],
])("%s and %s at once are neither, in any tier", (one, other) => {
  const both = moodTags({ [one]: 0.97, [other]: 0.62, party: 0.97 });
  expect(both).toEqual({ strict: ["party"], regular: ["party"], loose: ["party"] });
  expect(moodTags({ [one]: 0.97, [other]: 0.59 }).strict).toEqual([one]);
  expect(moodTags({ [one]: 0.1, [other]: 0.97 }).strict).toEqual([other]);
});

test.each(["female", "male"])("%s is said only where a voice is as sure", (gender) => {
  expect(moodTags({ [gender]: 0.99, voice: 0.8, instrumental: 0.2 })).toEqual({
    strict: [],
    regular: [gender, "voice"],
    loose: [gender, "voice"],
  });
  expect(moodTags({ [gender]: 0.99, voice: 0.05, instrumental: 0.95 }).loose).toEqual(["instrumental"]);
});

test("what is unsure has no tag, and a stricter tier is part of a looser one", () => {
  expect(moodTags({})).toEqual({ strict: [], regular: [], loose: [] });
  const probabilities = { danceable: 0.91, tonal: 0.7, happy: 0.8, voice: 0.65, male: 0.95 };
  const { strict, regular, loose } = moodTags(probabilities);
  expect(strict).toEqual(["danceable"]);
  expect(regular).toEqual(["danceable", "happy"]);
  expect(loose).toEqual(["danceable", "male", "happy", "tonal", "voice"]);
  expect(TIERS.strict).toBeGreaterThan(TIERS.regular);
  expect(TIERS.regular).toBeGreaterThan(TIERS.loose);
});

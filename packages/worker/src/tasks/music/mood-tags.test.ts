import { DEFAULT_CALIBRATION, DEFAULT_THRESHOLDS, MOOD_TIERS } from "@earshot/shared/domain/mood-calibration";
import type { MoodCalibration } from "@earshot/shared/domain/mood-calibration";
import { expect, test } from "vitest";
import { LEAST_AGREEMENT, moodTags } from "./mood-tags.ts";

/** Every patch says the same as the mean, unless a class's agreement is told. */
function verdict(
  probabilities: Record<string, number>,
  {
    agreement = {},
    calibration = DEFAULT_CALIBRATION,
  }: {
    agreement?: Record<string, number>;
    calibration?: MoodCalibration;
  } = {},
) {
  const evidence = Object.entries(probabilities).map(([name, probability]) => [
    name,
    { probability, agreement: agreement[name] ?? (probability > 0.5 ? 1 : 0) },
  ]);
  return moodTags(Object.fromEntries(evidence), calibration);
}

const tiersWith = (name: string, { tags }: ReturnType<typeof verdict>) =>
  MOOD_TIERS.filter((tier) => tags[tier].includes(name));

test.each([
  [0.95, ["strict", "regular", "loose"]],
  [0.9, ["strict", "regular", "loose"]],
  [0.89, ["regular", "loose"]],
  [0.75, ["regular", "loose"]],
  [0.74, ["loose"]],
  [0.6, ["loose"]],
  [0.59, []],
])("a probability of %d makes a tag in %j", (party, tiers) => {
  const found = verdict({ party, non_party: 1 - party });
  expect(tiersWith("party", found)).toEqual(tiers);
  expect(found.tags.loose).not.toContain("non_party");
});

test.each([
  [1, ["strict", "regular", "loose"]],
  [0.8, ["strict", "regular", "loose"]],
  [0.79, ["regular", "loose"]],
  [0.65, ["regular", "loose"]],
  [0.64, ["loose"]],
  [0.5, ["loose"]],
  [0.49, []],
])(
  "a class that most say little of is no tag, however sure the rest: %d of the patches make %j",
  (share, tiers) => {
    expect(tiersWith("happy", verdict({ happy: 0.97 }, { agreement: { happy: share } }))).toEqual(tiers);
  },
);

test.each([
  ["happy", "sad"],
  ["aggressive", "relaxed"],
])("%s and %s at once are neither, in any tier, and that is said", (one, other) => {
  const both = verdict({ [one]: 0.97, [other]: 0.62, party: 0.97 });
  expect(both.tags).toEqual({ strict: ["party"], regular: ["party"], loose: ["party"] });
  expect(both.contradictions).toEqual([[one, other]]);
  const alone = verdict({ [one]: 0.97, [other]: 0.59 });
  expect(alone).toMatchObject({ tags: { strict: [one] }, contradictions: [] });
  expect(verdict({ [one]: 0.1, [other]: 0.97 }).tags.strict).toEqual([other]);
});

test.each(["female", "male"])("%s is said only where a voice is as sure", (gender) => {
  expect(verdict({ [gender]: 0.99, voice: 0.8, instrumental: 0.2 }).tags).toEqual({
    strict: [],
    regular: [gender, "voice"],
    loose: [gender, "voice"],
  });
  expect(verdict({ [gender]: 0.99, voice: 0.05, instrumental: 0.95 }).tags.loose).toEqual(["instrumental"]);
});

test("a calibration's thresholds count for its classes, the default ones for the others", () => {
  const calibration = {
    id: "cal_1",
    model: null,
    thresholds: { happy: { strict: 0.98, regular: 0.96, loose: 0.94 } },
  };
  const { tags } = verdict({ happy: 0.97, party: 0.97 }, { calibration });
  expect(tags).toEqual({ strict: ["party"], regular: ["happy", "party"], loose: ["happy", "party"] });
  // What is contradicted is judged by the same thresholds.
  expect(verdict({ happy: 0.93, sad: 0.95 }, { calibration })).toMatchObject({
    tags: { strict: ["sad"] },
    contradictions: [],
  });
});

test("what is unsure has no tag, and a stricter tier is part of a looser one", () => {
  expect(verdict({}).tags).toEqual({ strict: [], regular: [], loose: [] });
  const { strict, regular, loose } = verdict({
    danceable: 0.91,
    tonal: 0.7,
    happy: 0.8,
    voice: 0.65,
    male: 0.95,
  }).tags;
  expect(strict).toEqual(["danceable"]);
  expect(regular).toEqual(["danceable", "happy"]);
  expect(loose).toEqual(["danceable", "male", "happy", "tonal", "voice"]);
  for (const by of [DEFAULT_THRESHOLDS, LEAST_AGREEMENT]) {
    expect(by.strict).toBeGreaterThan(by.regular);
    expect(by.regular).toBeGreaterThan(by.loose);
  }
});

/**
 * How probable a class must be, on the mean over the file, to become a tag. These are round numbers, not calibrated on
 * labelled music: the heads are often surer than they should be.
 */
export const TIERS = { strict: 0.9, regular: 0.75, loose: 0.6 } as const;

export type Tier = keyof typeof TIERS;
export type MoodTags = Record<Tier, string[]>;

/** The classes that say something, in the order of the tags. That a track is not happy is no tag. */
const TAGS = [
  "danceable",
  "female",
  "male",
  "aggressive",
  "happy",
  "party",
  "relaxed",
  "sad",
  "tonal",
  "atonal",
  "voice",
  "instrumental",
] as const;

/** Heads are trained apart from each other. When two of them are sure of opposites, neither is believed in any tier. */
const OPPOSITES = [
  ["happy", "sad"],
  ["aggressive", "relaxed"],
] as const;

/** Without somebody who sings there is nothing for the gender head to hear. */
const ONLY_WITH: Readonly<Record<string, string>> = { female: "voice", male: "voice" };

/**
 * Tags where a head is sure and no other contradicts it. A stricter tier's tags are all among those of a looser one.
 * @param probabilities By class, over all heads.
 */
export function moodTags(probabilities: Readonly<Record<string, number>>): MoodTags {
  const isSure = (name: string, threshold: number) => (probabilities[name] ?? 0) >= threshold;
  const contradicted = new Set<string>(
    OPPOSITES.filter((pair) => pair.every((name) => isSure(name, TIERS.loose))).flat(),
  );
  const tagsFrom = (threshold: number) =>
    TAGS.filter((name) => isSure(name, threshold) && !contradicted.has(name)).filter((name) =>
      isSure(ONLY_WITH[name] ?? name, threshold),
    );
  return {
    strict: tagsFrom(TIERS.strict),
    regular: tagsFrom(TIERS.regular),
    loose: tagsFrom(TIERS.loose),
  };
}

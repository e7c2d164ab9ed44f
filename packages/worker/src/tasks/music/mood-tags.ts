import { MOOD_TIERS, thresholdsOf } from "@earshot/shared/domain/mood-calibration";
import type { MoodCalibration, MoodTier } from "@earshot/shared/domain/mood-calibration";

/**
 * In which share of the patches a class must be the more probable one to become a tag: a chorus that is happy does not
 * make a happy track, and a mean alone does not tell it from one that is so throughout.
 */
export const LEAST_AGREEMENT: Readonly<Record<MoodTier, number>> = { strict: 0.8, regular: 0.65, loose: 0.5 };

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

/** What is known of a class over the file. */
export interface ClassEvidence {
  /** The mean over the patches. */
  probability: number;
  /** The share of the patches in which it is the more probable class of its head. */
  agreement: number;
}

export interface MoodVerdict {
  tags: Record<MoodTier, string[]>;
  /** Pairs that would both be tags and exclude each other. */
  contradictions: string[][];
}

/** Tags where a head is sure, throughout, and no other contradicts it. A stricter tier's tags are all among those of a looser one. */
export function moodTags(
  evidence: Readonly<Record<string, ClassEvidence>>,
  calibration: MoodCalibration,
): MoodVerdict {
  const isSure = (name: string, tier: MoodTier) => {
    const { probability = 0, agreement = 0 } = evidence[name] ?? {};
    return probability >= thresholdsOf(calibration, name)[tier] && agreement >= LEAST_AGREEMENT[tier];
  };
  const contradictions = OPPOSITES.filter((pair) => pair.every((name) => isSure(name, "loose")));
  const contradicted = new Set<string>(contradictions.flat());
  const tagsOf = (tier: MoodTier) =>
    TAGS.filter((name) => isSure(name, tier) && !contradicted.has(name)).filter((name) =>
      isSure(ONLY_WITH[name] ?? name, tier),
    );
  const [strict, regular, loose] = MOOD_TIERS.map(tagsOf);
  return {
    tags: { strict: strict ?? [], regular: regular ?? [], loose: loose ?? [] },
    contradictions: contradictions.map((pair) => [...pair]),
  };
}

/** How sure a tag is: what is in a stricter tier is in the looser ones, too. */
export const MOOD_TIERS = ["strict", "regular", "loose"] as const;

export type MoodTier = (typeof MOOD_TIERS)[number];
export type TierThresholds = Readonly<Record<MoodTier, number>>;

/** From which mean probability on a class becomes a tag of each tier. */
export interface MoodCalibration {
  /** What results say of it. */
  id: string;
  /** The model whose probabilities it is about; null: any. */
  model: { id: string; version: string } | null;
  thresholds: Readonly<Record<string, TierThresholds>>;
}

/**
 * The probabilities as the heads give them. The heads share two classes by a softmax and were trained on a few hundred
 * excerpts each, so they are often surer than they should be; without labelled music nobody can say by how much, and these
 * numbers do not pretend to. They are odds: 9 to 1, 3 to 1, 3 to 2 for the class against its opposite.
 */
export const DEFAULT_THRESHOLDS: TierThresholds = { strict: 0.9, regular: 0.75, loose: 0.6 };

export const DEFAULT_CALIBRATION: MoodCalibration = { id: "default-1", model: null, thresholds: {} };

/**
 * Where an account's own distribution is cut: of its tracks the top 5, 15 and 30 in a hundred of a class. That is a rank among
 * its own music, not a chance of being right.
 */
export const TIER_QUANTILES: TierThresholds = { strict: 0.95, regular: 0.85, loose: 0.7 };

/** However low a library's quantile lies: a class that is less probable than its opposite is no tag. */
export const LEAST_PROBABILITY = 0.5;

/** With fewer results a quantile is a few tracks' accident. */
export const LEAST_CALIBRATED_RESULTS = 50;

export function thresholdsOf({ thresholds }: MoodCalibration, name: string): TierThresholds {
  return thresholds[name] ?? DEFAULT_THRESHOLDS;
}

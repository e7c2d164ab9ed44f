export const KEY_NAMES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"] as const;

export interface Key {
  key: (typeof KEY_NAMES)[number];
  scale: "major" | "minor";
  /** Correlation of the pitch classes with the key's profile, 0 to 1. */
  strength: number;
}

/** How often each degree sounds in a key, from its tonic up (Albrecht & Shanahan, Music Perception 31(1), 2013). */
const PROFILES = {
  major: [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.08, 0.008, 0.081],
  minor: [0.22, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
} as const;

/** Pitch classes less alike than this to any key have none, such as those of noise. */
const LEAST_STRENGTH = 0.35;
/** Nor have pitch classes that are nearly all alike: standard deviation by mean. */
const LEAST_SPREAD = 0.2;

/** @param classes Strength of C, C♯ … B. @returns the key whose profile correlates best (Krumhansl & Schmuckler), or null. */
export function estimateKey(classes: ArrayLike<number>): Key | null {
  const { mean, deviation } = momentsOf(classes);
  if (mean <= 0 || deviation / mean < LEAST_SPREAD) return null;
  const keys = (["major", "minor"] as const).flatMap((scale) =>
    KEY_NAMES.map((key, tonic) => ({ key, scale, strength: correlate(classes, PROFILES[scale], tonic) })),
  );
  const best = keys.reduce((a, b) => (b.strength > a.strength ? b : a));
  return best.strength < LEAST_STRENGTH ? null : best;
}

function correlate(classes: ArrayLike<number>, profile: readonly number[], tonic: number): number {
  const a = momentsOf(classes);
  const b = momentsOf(profile);
  let sum = 0;
  for (let degree = 0; degree < 12; degree++) {
    sum += ((classes[(tonic + degree) % 12] ?? 0) - a.mean) * ((profile[degree] ?? 0) - b.mean);
  }
  return sum / (12 * a.deviation * b.deviation);
}

function momentsOf(values: ArrayLike<number>): { mean: number; deviation: number } {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length;
  return { mean, deviation: Math.sqrt(variance) };
}

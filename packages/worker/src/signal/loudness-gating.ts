/** Slots of 100 ms in a gating block of 400 ms, which thus overlaps the next by 75 % (BS.1770-5, Annex 1). */
const BLOCK_SLOTS = 4;
/** Slots of 100 ms in the short-term window of 3 s (EBU Tech 3341). */
const SHORT_TERM_SLOTS = 30;
const ABSOLUTE_GATE_LUFS = -70;

/**
 * Integrated loudness in LUFS of a programme given as the weighted mean square of each 100 ms of it: gated at -70 LUFS, then
 * at 10 LU under the mean of what is left. Null when nothing passes: silence, or less than 400 ms.
 */
export function integratedLoudness(slotPowers: readonly number[]): number | null {
  const blocks = above(slidingMeans(slotPowers, BLOCK_SLOTS), powerOf(ABSOLUTE_GATE_LUFS));
  const gated = above(blocks, mean(blocks) * 10 ** (-10 / 10));
  return gated.length === 0 ? null : loudnessOf(mean(gated));
}

/**
 * Loudness range in LU (EBU Tech 3342): the distance from the 10th to the 95th percentile of the short-term loudness, gated at
 * -70 LUFS and at 20 LU under its mean. Null when nothing passes or the programme is shorter than 3 s.
 */
export function loudnessRange(slotPowers: readonly number[]): number | null {
  const windows = above(slidingMeans(slotPowers, SHORT_TERM_SLOTS), powerOf(ABSOLUTE_GATE_LUFS));
  const gated = above(windows, mean(windows) * 10 ** (-20 / 10)).toSorted();
  const [low, high] = [percentile(gated, 0.1), percentile(gated, 0.95)];
  return low === undefined || high === undefined ? null : loudnessOf(high) - loudnessOf(low);
}

function loudnessOf(power: number): number {
  return -0.691 + 10 * Math.log10(power);
}

function powerOf(loudness: number): number {
  return 10 ** ((loudness + 0.691) / 10);
}

/** The mean of each `width` slots in a row. Sums afresh each time: a running sum keeps the rounding errors of loud passages. */
function slidingMeans(slotPowers: readonly number[], width: number): Float64Array {
  const means = new Float64Array(Math.max(0, slotPowers.length - width + 1));
  for (let start = 0; start < means.length; start++) {
    let sum = 0;
    for (let slot = start; slot < start + width; slot++) sum += slotPowers[slot] ?? 0;
    means[start] = sum / width;
  }
  return means;
}

function above(powers: Float64Array, gate: number): Float64Array {
  return powers.filter((power) => power > gate);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value at `fraction` of the way through `sorted`, rounded to a rank as Tech 3342 does. */
function percentile(sorted: Float64Array, fraction: number): number | undefined {
  return sorted[Math.round((sorted.length - 1) * fraction)];
}

import { CONTOUR_BINS } from "./basic-pitch.ts";

const REACH = 25;
const STANDARD_DEVIATION = 5;
/** The published window: bins further from the note count less. */
const WEIGHTS = Float64Array.from({ length: 2 * REACH + 1 }, (_, i) =>
  Math.exp(-0.5 * ((i - REACH) / STANDARD_DEVIATION) ** 2),
);

/**
 * How far a key's pitch is from its own, in thirds of a semitone: the strongest bin about it. A key's middle bin is the
 * second of its three; the published script counts from the first and so bends every note up by a third of a semitone.
 */
export function pitchBend(contour: Float32Array, key: number): number {
  const first = 3 * key;
  let best = -1;
  let bin = 0;
  for (let i = Math.max(0, first - REACH); i <= Math.min(CONTOUR_BINS - 1, first + REACH); i++) {
    const value = (contour[i] ?? 0) * (WEIGHTS[i - first + REACH] ?? 0);
    if (value > best) [best, bin] = [value, i];
  }
  return bin - (first + 1);
}

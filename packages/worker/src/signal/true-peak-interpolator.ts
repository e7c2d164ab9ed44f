const OUTER_PHASE = [
  0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875, 0.1373291015625,
  0.97216796875, -0.102294921875, 0.047607421875, -0.026611328125, 0.014892578125, -0.00830078125,
];
const MIDDLE_PHASE = [
  -0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625, 0.465087890625, 0.77978515625,
  -0.2003173828125, 0.1015625, -0.0582275390625, 0.0330810546875, -0.0189208984375,
];

/** Samples that one interpolated value depends on. */
export const INTERPOLATOR_TAPS = 12;

/** A phase of the interpolator and its mirror image, taken apart so that both cost as much as one. */
export interface MirroredPhases {
  /** The six taps of the half sum of the two. */
  even: readonly number[];
  /** The six taps of the half difference. */
  odd: readonly number[];
  /** No output exceeds this times the largest input: the sum of the taps' magnitudes, and room for rounding. */
  maxGain: number;
}

/**
 * The interpolator of ITU-R BS.1770-5 Annex 2 (48 taps) has four phases, each the mirror image of another: these are 3/8 of a
 * sample from the centre of the twelve samples, ...
 */
export const OUTER_PHASES = mirroredPhases(OUTER_PHASE);
/** ... and these 1/8. */
export const MIDDLE_PHASES = mirroredPhases(MIDDLE_PHASE);

function mirroredPhases(taps: readonly number[]): MirroredPhases {
  const pairs = taps.slice(0, taps.length / 2).map((tap, i) => ({ tap, mirror: taps.at(-1 - i) ?? 0 }));
  return {
    even: pairs.map(({ tap, mirror }) => (tap + mirror) / 2),
    odd: pairs.map(({ tap, mirror }) => (tap - mirror) / 2),
    maxGain: taps.reduce((sum, tap) => sum + Math.abs(tap), 0) * (1 + 1e-9),
  };
}

/**
 * The largest magnitude that the two phases give for the windows that start at `start` to `end - 1`.
 * `samples` must reach to `end + INTERPOLATOR_TAPS - 1`.
 *
 * With E and O the outputs of the even and odd parts, the phases give E + O and E - O, the larger of which is |E| + |O|.
 * Unrolled by hand: this is the hottest loop of the task, and the loop over taps costs half of its speed.
 */
export function largestInterpolated(
  { even, odd }: MirroredPhases,
  samples: Float32Array,
  start: number,
  end: number,
): number {
  const [e0 = 0, e1 = 0, e2 = 0, e3 = 0, e4 = 0, e5 = 0] = even;
  const [o0 = 0, o1 = 0, o2 = 0, o3 = 0, o4 = 0, o5 = 0] = odd;
  let largest = 0;
  for (let i = start; i < end; i++) {
    const l0 = at(samples, i);
    const r0 = at(samples, i + 11);
    const l1 = at(samples, i + 1);
    const r1 = at(samples, i + 10);
    const l2 = at(samples, i + 2);
    const r2 = at(samples, i + 9);
    const l3 = at(samples, i + 3);
    const r3 = at(samples, i + 8);
    const l4 = at(samples, i + 4);
    const r4 = at(samples, i + 7);
    const l5 = at(samples, i + 5);
    const r5 = at(samples, i + 6);
    const evens =
      e0 * (l0 + r0) + e1 * (l1 + r1) + e2 * (l2 + r2) + e3 * (l3 + r3) + e4 * (l4 + r4) + e5 * (l5 + r5);
    const odds =
      o0 * (l0 - r0) + o1 * (l1 - r1) + o2 * (l2 - r2) + o3 * (l3 - r3) + o4 * (l4 - r4) + o5 * (l5 - r5);
    const magnitude = Math.abs(evens) + Math.abs(odds);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** The largest magnitude among the samples from `start` to `end - 1`. NaN counts as nothing. */
export function largestMagnitude(samples: Float32Array, start: number, end: number): number {
  let largest = 0;
  for (let i = start; i < end; i++) {
    const magnitude = Math.abs(at(samples, i));
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** The callers stay inside the array, so the element is there. */
function at(samples: Float32Array, index: number): number {
  return samples[index] as number;
}

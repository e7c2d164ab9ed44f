import { expect, test } from "vitest";
import { seededRandom } from "./test-signals.ts";
import {
  INTERPOLATOR_TAPS,
  largestInterpolated,
  MIDDLE_PHASES,
  OUTER_PHASES,
} from "./true-peak-interpolator.ts";

/** BS.1770-5 Annex 2, as it is printed: one column a phase. */
const PHASES = [
  [
    0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875, 0.1373291015625,
    0.97216796875, -0.102294921875, 0.047607421875, -0.026611328125, 0.014892578125, -0.00830078125,
  ],
  [
    -0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625, 0.465087890625,
    0.77978515625, -0.2003173828125, 0.1015625, -0.0582275390625, 0.0330810546875, -0.0189208984375,
  ],
  [
    -0.0189208984375, 0.0330810546875, -0.0582275390625, 0.1015625, -0.2003173828125, 0.77978515625,
    0.465087890625, -0.16650390625, 0.089111328125, -0.0517578125, 0.029296875, -0.0291748046875,
  ],
  [
    -0.00830078125, 0.014892578125, -0.026611328125, 0.047607421875, -0.102294921875, 0.97216796875,
    0.1373291015625, -0.0594482421875, 0.033203125, -0.0196533203125, 0.010986328125, 0.001708984375,
  ],
];

test("both phases of a pair are evaluated as the printed filter does", () => {
  const random = seededRandom(5);
  for (let trial = 0; trial < 200; trial++) {
    const window = Float32Array.from({ length: INTERPOLATOR_TAPS }, () => 2 * random() - 1);
    const [first, second, third, fourth] = PHASES.map((taps) => Math.abs(filtered(taps, window)));
    expect(largestInterpolated(OUTER_PHASES, window, 0, 1)).toBeCloseTo(
      Math.max(first ?? 0, fourth ?? 0),
      12,
    );
    expect(largestInterpolated(MIDDLE_PHASES, window, 0, 1)).toBeCloseTo(
      Math.max(second ?? 0, third ?? 0),
      12,
    );
  }
});

test("the largest gain is reached by the worst input, and by no more than rounding missed", () => {
  const worst = (taps: readonly number[] = []) => Float32Array.from(taps, Math.sign);
  for (const [phases, taps] of [
    [OUTER_PHASES, PHASES[0]],
    [MIDDLE_PHASES, PHASES[1]],
  ] as const) {
    const reached = largestInterpolated(phases, worst(taps), 0, 1);
    expect(reached).toBeLessThanOrEqual(phases.maxGain);
    expect(reached).toBeGreaterThan(phases.maxGain * (1 - 1e-8));
  }
});

function filtered(taps: readonly number[], window: Float32Array): number {
  return taps.reduce((sum, tap, i) => sum + tap * (window[i] ?? 0), 0);
}

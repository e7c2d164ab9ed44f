import { expect, test } from "vitest";
import { integratedLoudness, loudnessRange } from "./loudness-gating.ts";

/** Slots of 100 ms whose blocks have this loudness. */
function slots(lufs: number, seconds: number): number[] {
  return Array.from({ length: seconds * 10 }, () => 10 ** ((lufs + 0.691) / 10));
}

test("what is under -70 LUFS counts for nothing, however quiet the rest is", () => {
  const programme = [...slots(-69, 60), ...slots(-75, 60)];
  expect(integratedLoudness(programme)).toBeCloseTo(-69, 1);
  expect(loudnessRange(programme)).toBeLessThan(1.1);
});

test("what is 10 LU under the mean counts for nothing, what is 9 LU under it does", () => {
  expect(integratedLoudness([...slots(-20, 60), ...slots(-34, 60)])).toBeCloseTo(-20, 1);
  expect(integratedLoudness([...slots(-20, 60), ...slots(-31, 60)])).toBeCloseTo(-22.68, 1);
});

test("slots that are not numbers are left out with the blocks that hold them", () => {
  expect(integratedLoudness([...slots(-23, 5), Number.NaN, ...slots(-23, 5)])).toBeCloseTo(-23, 9);
});

test("nothing that passes the gate is null, not minus infinity", () => {
  for (const programme of [[], slots(-23, 0.3), slots(-71, 10), Array.from({ length: 100 }, () => 0)]) {
    expect(integratedLoudness(programme)).toBeNull();
    expect(loudnessRange(programme)).toBeNull();
  }
});

import { expect, test } from "vitest";
import { isConstant, middleOf, rangeOf } from "./live-channels.ts";

const input = { low: -1, high: 3 };
const channel = { weights: Float32Array.of(2, -1), bias: 1, scale: 1, shift: 10 };

test("a channel's range is what the worst inputs make of it", () => {
  // 2 · 3 − (−1) + 1 at most; −2 − 3 + 1 is cut off at 0.
  expect(rangeOf(channel, input)).toEqual({ low: 10, high: 18 });
  expect(rangeOf({ ...channel, scale: -2 }, input)).toEqual({ low: -6, high: 10 });
});

test("a channel that can't get above zero is its shift", () => {
  const range = rangeOf({ ...channel, bias: -8 }, input);
  expect(isConstant(range)).toBe(true);
  expect(middleOf(range)).toBe(10);
});

test("a channel is a constant only where no input can move it by a millionth", () => {
  const faint = (weight: number) => ({ ...channel, weights: Float32Array.of(weight), bias: 5 });
  expect(isConstant(rangeOf(faint(1e-8), input))).toBe(true);
  expect(isConstant(rangeOf(faint(1e-6), input))).toBe(false);
  expect(isConstant(rangeOf({ ...faint(1e-8), scale: 1_000 }, input))).toBe(false);
});

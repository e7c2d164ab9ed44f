import { expect, test } from "vitest";
import { medianOf, rounded } from "./statistics.ts";

test("the median is the middle one, whatever the order, and nothing has none", () => {
  expect(medianOf([9, 1, 5])).toBe(5);
  expect(medianOf([4, 1, 3, 2])).toBe(3);
  expect(() => medianOf([])).toThrow(RangeError);
});

test("figures have three digits", () => {
  expect([0.123456, 1234.5, 2].map(rounded)).toEqual([0.123, 1230, 2]);
});

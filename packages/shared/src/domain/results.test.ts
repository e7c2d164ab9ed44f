import { expect, test } from "vitest";
import { roundScore, roundSeconds } from "./results.ts";

test("seconds have three decimals, scores four", () => {
  expect([1.23456, 0.0004, 14_400.0005, 2].map(roundSeconds)).toEqual([1.235, 0, 14_400.001, 2]);
  expect([0.123456, 0.99996, 1].map(roundScore)).toEqual([0.1235, 1, 1]);
});

import { expect, test } from "vitest";
import { diarizationError } from "./diarization-error.ts";

const REFERENCE = [
  { start: 0, end: 10, speaker: "anna" },
  { start: 8, end: 12, speaker: "ben" },
  { start: 14, end: 20, speaker: "anna" },
];

test("the same under other names has no error", () => {
  const found = REFERENCE.map((turn) => ({ ...turn, speaker: turn.speaker === "anna" ? 1 : 0 }));
  expect(diarizationError(REFERENCE, found)).toEqual({ missed: 0, falseAlarm: 0, confusion: 0, total: 0 });
});

test("who is missing, too many and somebody else is counted apart, over all that is spoken", () => {
  const found = [
    { start: 0, end: 8, speaker: "a" },
    { start: 8, end: 13, speaker: "b" },
    { start: 14, end: 20, speaker: "b" },
  ];
  // 20 s are spoken. From 8 to 10 one of two is missed, from 12 to 13 there is nobody, and the last 6 are not anna's b.
  expect(diarizationError(REFERENCE, found)).toEqual({
    missed: expect.closeTo(2 / 20),
    falseAlarm: expect.closeTo(1 / 20),
    confusion: expect.closeTo(6 / 20),
    total: expect.closeTo(9 / 20),
  });
});

test("the pairing is the best one of all, not the first that fits", () => {
  const reference = [
    { start: 0, end: 5, speaker: "anna" },
    { start: 5, end: 9, speaker: "ben" },
  ];
  const found = [
    { start: 0, end: 3, speaker: "x" },
    { start: 3, end: 5, speaker: "y" },
    { start: 5, end: 9, speaker: "x" },
  ];
  expect(diarizationError(reference, found).confusion).toBeCloseTo(3 / 9);
});

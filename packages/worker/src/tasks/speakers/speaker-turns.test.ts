import { expect, test } from "vitest";
import { secondsOf, turnsOf } from "./speaker-turns.ts";

const OPTIONS = { frames: 749, speakers: 3, minTurnFrames: 6, minGapFrames: 15 };
const A = 0b001 | (1 << 3);
const B = 0b010 | (2 << 3);
const BOTH_A = 0b011 | (1 << 3);
const BOTH_B = 0b011 | (2 << 3);

/** A window of 589 frames from spans [code, start, end) of its own frames. */
function codesOf(...spans: [code: number, start: number, end: number][]): Uint8Array {
  const codes = new Uint8Array(589);
  for (const [code, start, end] of spans) codes.fill(code, start, end);
  return codes;
}

test("windows vote: one that hears nobody, or somebody else, is outvoted by two", () => {
  const hears = { codes: codesOf([A, 320, 400]), speakers: [1, -1, -1] };
  const hearsLater = { codes: codesOf([B, 160, 240]), speakers: [-1, 1, -1] };
  const deaf = { codes: codesOf(), speakers: [-1, -1, -1] };
  const wrong = { codes: codesOf([A, 0, 80]), speakers: [2, -1, -1] };
  const { turns } = turnsOf([hears, hearsLater, deaf], OPTIONS);
  expect(turns).toEqual([{ start: 320, end: 400, speaker: 1 }]);
  expect(turnsOf([hears, hearsLater, wrong], OPTIONS).turns).toEqual(turns);
});

test("gaps and turns that are too short are closed and left out, in this order", () => {
  const codes = codesOf([A, 10, 20], [A, 34, 40], [A, 55, 60], [B, 100, 105], [B, 200, 206]);
  expect(turnsOf([{ codes, speakers: [0, 1, -1] }], OPTIONS).turns).toEqual([
    { start: 10, end: 40, speaker: 0 },
    { start: 200, end: 206, speaker: 1 },
  ]);
});

test("where two speak the floor is the surer one's, and at each moment somebody's", () => {
  const codes = codesOf([A, 10, 100], [BOTH_A, 100, 150], [A, 150, 300], [BOTH_B, 300, 350], [B, 350, 400]);
  const { turns, exclusive } = turnsOf([{ codes, speakers: [0, 1, -1] }], OPTIONS);
  expect(turns).toEqual([
    { start: 10, end: 350, speaker: 0 },
    { start: 100, end: 150, speaker: 1 },
    { start: 300, end: 400, speaker: 1 },
  ]);
  expect(exclusive).toEqual([
    { start: 10, end: 300, speaker: 0 },
    { start: 300, end: 400, speaker: 1 },
  ]);
  const interrupted = codesOf([A, 10, 100], [BOTH_B, 100, 150], [A, 150, 300]);
  expect(turnsOf([{ codes: interrupted, speakers: [0, 1, -1] }], OPTIONS).exclusive).toEqual([
    { start: 10, end: 100, speaker: 0 },
    { start: 100, end: 150, speaker: 1 },
    { start: 150, end: 300, speaker: 0 },
  ]);
});

test("the first frame begins with the file and the last one ends with it", () => {
  expect(secondsOf({ start: 0, end: 749, speaker: 0 }, 749, 203_000)).toEqual({ start: 0, end: 12.6875 });
  expect(secondsOf({ start: 1, end: 2, speaker: 0 }, 749, 203_000)).toEqual({
    start: 630.5 / 16_000,
    end: 900.5 / 16_000,
  });
});

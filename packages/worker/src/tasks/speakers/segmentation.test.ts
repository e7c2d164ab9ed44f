import { expect, test } from "vitest";
import {
  countHeard,
  decodePowerset,
  frameAt,
  framesWithin,
  frameStart,
  isHeard,
  surestOf,
} from "./segmentation.ts";
import { VOICE_FRAMES, voiceRows } from "./voice-rows.ts";

/** Logits of 589 frames, the first ones as given: none, a, b, c, ab, ac, bc. */
function logitsOf(...frames: number[][]): Float32Array {
  const logits = new Float32Array(589 * 7);
  for (let frame = 0; frame < 589; frame++) logits.set(frames[frame] ?? [9, 0, 0, 0, 0, 0, 0], frame * 7);
  return logits;
}

test("each class of the powerset is its speakers", () => {
  const classes = Array.from({ length: 7 }, (_, index) =>
    Array.from({ length: 7 }, (_value, i) => (i === index ? 5 : 0)),
  );
  const codes = decodePowerset(logitsOf(...classes));
  const heard = Array.from(codes.slice(0, 7), (code) =>
    [0, 1, 2].filter((speaker) => isHeard(code, speaker)),
  );
  expect(heard).toEqual([[], [0], [1], [2], [0, 1], [0, 2], [1, 2]]);
  expect(Array.from(codes.slice(0, 7), countHeard)).toEqual([0, 1, 1, 1, 2, 2, 2]);
  expect(Array.from(codes.slice(0, 4), surestOf)).toEqual([-1, 0, 1, 2]);
});

test("of two who are heard the surest is the one whose own classes are likelier", () => {
  const codes = decodePowerset(logitsOf([0, 1, 4, 0, 5, 0, 0], [0, 4, 1, 0, 5, 0, 0], [0, 0, 0, 4, 0, 0, 5]));
  expect(Array.from(codes.slice(0, 3), surestOf)).toEqual([1, 0, 2]);
});

test("the middle of frame i is at 495.5 + 270·i samples, and each begins half a step before it", () => {
  expect([0, 1, 2].map(frameStart)).toEqual([0, 630.5, 900.5]);
  expect([495, 496, 765, 766, 160_000].map(framesWithin)).toEqual([0, 1, 1, 2, 591]);
  expect([0, 630, 631, 900, 901, 160_000].map(frameAt)).toEqual([0, 0, 1, 1, 2, 588]);
});

test("a voice is heard where nobody else speaks, or else where it is heard at all", () => {
  const window = Float32Array.from({ length: 160_000 }, (_, i) => Math.sin((i * i) / 3e6));
  const both = Uint8Array.from({ length: 589 }, (_, frame) =>
    frame < 100 ? 0b01 : Number(frame < 200) * 0b11,
  );
  const alone = Uint8Array.from(both, (code) => (code === 0b01 ? 0b01 : 0));
  const [clean, reference] = [voiceRows(window, both, 0), voiceRows(window, alone, 0)];
  expect(clean?.feats).toEqual(reference?.feats);
  expect(clean?.feats).toHaveLength(VOICE_FRAMES * 80);
  // The middles of 170 rows lie in the first 100 frames.
  expect(clean?.cleanSeconds).toBe(1.7);
  const second = voiceRows(window, both, 1);
  expect(second?.cleanSeconds).toBe(0);
  expect(second?.feats).not.toEqual(clean?.feats);
  expect(voiceRows(window, both, 2)).toBeNull();
});

test("too little of a voice is repeated, too much is cut at both ends", () => {
  const window = Float32Array.from({ length: 160_000 }, (_, i) => Math.sin((i * i) / 3e6));
  const row = (feats: Float32Array | undefined, index: number) => feats?.slice(index * 80, (index + 1) * 80);
  const short = voiceRows(window, new Uint8Array(589).fill(1, 0, 60), 0);
  const rows = Math.round((short?.cleanSeconds ?? 0) * 100);
  expect(rows).toBeLessThan(VOICE_FRAMES);
  expect(row(short?.feats, rows)).toEqual(row(short?.feats, 0));
  const quiet = window.map((sample, i) => (i < 50_000 || i > 110_000 ? 0 : sample));
  const middle = voiceRows(quiet, new Uint8Array(589).fill(1), 0);
  // Silence is at the floor of the energies: none of it is among the rows.
  expect(Math.min(...(middle?.feats ?? [0]))).toBeGreaterThan(-15);
});

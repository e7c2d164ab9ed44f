import { describe, expect, test } from "vitest";
import type { TokenRules } from "../inference.ts";
import { pickToken } from "./pick-token.ts";
import { repeatedTail } from "./repetition.ts";
import { applyTokenRules } from "./token-rules.ts";

/** Text 0 to 3, the end 4, something special 5, times from 6 on. */
const RULES: TokenRules = { end: 4, never: [3], notFirst: [2], timestamps: { first: 6, maxInitial: 2 } };
const COUNT = 12;

/** Which tokens may come next, when text is likelier than all times together. */
function allowed(
  generated: number[],
  rules: TokenRules = RULES,
  logits = [9, 9, 9, 9, 9, 9, 1, 1, 1, 1, 1, 1],
): number[] {
  const row = Float32Array.from(logits);
  applyTokenRules(row, generated, rules);
  return Array.from({ length: COUNT }, (_, token) => token).filter((token) => row[token] !== -Infinity);
}

describe("times", () => {
  test("begin the text, and not too late", () => {
    expect(allowed([])).toEqual([6, 7, 8]);
  });
  test("that begin a segment are followed by text", () => {
    expect(allowed([7])).toEqual([0, 1, 2, 4, 5]);
    expect(allowed([7, 0, 8, 8])).toEqual([0, 1, 2, 4, 5]);
  });
  test("are later than the start of their segment", () => {
    expect(allowed([7, 0])).toEqual([0, 1, 2, 4, 5, 8, 9, 10, 11]);
  });
  test("that end a segment are followed by the start of the next, no earlier, or by the end", () => {
    expect(allowed([7, 0, 9])).toEqual([4, 5, 9, 10, 11]);
  });
  test("come where all of them together are likelier than any text", () => {
    expect(allowed([7, 0], RULES, [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1])).toEqual([8, 9, 10, 11]);
    expect(allowed([7, 0], RULES, [2.5, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1])).toEqual([
      0, 1, 2, 4, 5, 8, 9, 10, 11,
    ]);
  });
});

test("without times only what is never said, or not first, is forbidden", () => {
  const rules = { ...RULES, timestamps: null };
  expect(allowed([], rules)).toEqual([0, 1, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(allowed([0], rules)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
});

describe("a repeated tail", () => {
  const times = (count: number, phrase: number[]) => Array.from({ length: count }, () => phrase).flat();
  test.each([
    ["one word", [1, ...Array<number>(20).fill(7)], 19],
    ["a phrase", [9, ...times(6, [1, 2, 3])], 15],
    ["a phrase, broken off in its middle", [9, ...times(6, [1, 2, 3]), 1, 2], 15],
    ["a chorus of three", times(3, [1, 2, 3, 4, 5, 6]), 0],
    ["few words", [1, 1, 1, 1, 1, 1], 0],
    ["speech", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18], 0],
    ["nothing", [], 0],
  ])("%s", (_name, tokens, length) => {
    expect(repeatedTail(tokens)).toBe(length);
  });
});

describe("a token is", () => {
  const logits = Float32Array.of(0, Math.log(3), -Infinity);
  test("the likeliest at temperature 0", () => {
    expect(pickToken(0, 1)(logits)).toBe(1);
  });
  test("drawn above it, as likely as the softmax of its logit over the temperature, never a forbidden one", () => {
    for (const [temperature, share] of [
      [1, 0.75],
      [0.5, 0.9],
    ] as const) {
      const pick = pickToken(temperature, 5);
      const drawn = Array.from({ length: 4_000 }, () => pick(logits));
      expect(drawn.filter((token) => token === 1).length / 4_000).toBeCloseTo(share, 1);
      expect(drawn).not.toContain(2);
    }
  });
  test("the same for the same seed", () => {
    const drawn = (seed: number) => {
      const pick = pickToken(1, seed);
      return Array.from({ length: 20 }, () => pick(logits)).join("");
    };
    expect(drawn(3)).toBe(drawn(3));
    expect(drawn(3)).not.toBe(drawn(4));
  });
});

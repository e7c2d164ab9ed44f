import fc from "fast-check";
import { expect, test } from "vitest";
import { joinAtSeam } from "./join-at-seam.ts";
import type { SpokenWord } from "./words.ts";

/** Half a second a word, from `at` on. */
function words(text: string, at: number, utterance = 1): SpokenWord[] {
  return text.split(" ").map((word, i) => ({
    text: ` ${word}`,
    start: at + i / 2,
    end: at + (i + 1) / 2,
    tokens: 1,
    logprob: 0,
    utterance,
  }));
}
const textOf = (joined: readonly SpokenWord[]) =>
  joined
    .map(({ text }) => text)
    .join("")
    .trim();
const SEAM = { start: 26, end: 30 };

test("each word that both have heard comes once", () => {
  const before = words("we all went down to the", 27);
  const after = words("went down to the harbour", 28.1);
  expect(textOf(joinAtSeam(before, after, SEAM))).toBe("we all went down to the harbour");
});

test("words that were cut off at the seam are taken from the window that has them whole", () => {
  const before = words("we all went down to the harb", 26.5);
  const after = words("ent down to the harbour at noon", 27.5);
  expect(textOf(joinAtSeam(before, after, SEAM))).toBe("we all went down to the harbour at noon");
});

test("case and punctuation do not hide that words are the same", () => {
  expect(textOf(joinAtSeam(words("so it is. Then we", 27), words("It is then we go", 27.5), SEAM))).toBe(
    "so it is. then we go",
  );
});

test("without a word in common the seam is in the middle of the time", () => {
  expect(textOf(joinAtSeam(words("a b c d", 26), words("e f g h", 26.5), SEAM))).toBe("a b c d h");
});

test("a word that is said again and again is not taken for itself at another time", () => {
  const before = words("no no no no no no no no", 26);
  const after = words("no no no no no no no no yes", 26);
  expect(textOf(joinAtSeam(before, after, SEAM))).toBe("no no no no no no no no yes");
});

test("the utterance that the seam goes through stays one, the next is another", () => {
  const after = [...words("two three four", 27.5, 7), ...words("five", 29, 8)];
  const joined = joinAtSeam(words("one two three", 27, 3), after, SEAM);
  expect(joined.map(({ utterance }) => utterance)).toEqual([3, 3, 3, 3, 8]);
});

test("where one of them heard nothing, the other's words are all there are", () => {
  expect(textOf(joinAtSeam([], words("hello", 28), SEAM))).toBe("hello");
  expect(textOf(joinAtSeam(words("hello", 26.5), [], SEAM))).toBe("hello");
  expect(joinAtSeam([], [], SEAM)).toEqual([]);
});

test("of any text that two windows heard, their words a little off in time, none is lost or doubled", () => {
  const jitter = fc.double({ min: -0.2, max: 0.2, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 100, maxLength: 100 }),
      jitter,
      (said, late) => {
        const whole = words(said.join(" "), 0);
        const before = whole.filter(({ end }) => end <= SEAM.end);
        const after = whole
          .filter(({ start }) => start >= SEAM.start)
          .map((word) => ({ ...word, start: word.start + late, end: word.end + late }));
        expect(textOf(joinAtSeam(before, after, SEAM))).toBe(said.join(" "));
      },
    ),
  );
});

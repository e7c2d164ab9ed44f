import type { SpokenWord } from "./words.ts";

/** Words that both have heard are not this far apart in time. Seconds. */
const SAME_WITHIN_SECONDS = 1;

/**
 * The words of two windows of which the second has heard the end of the first once more, from `start` to `end`: each word once. They
 * are joined in the middle of the longest run of words that both have there; where they agree on none, in the middle of the time.
 * The utterance that the seam goes through stays one.
 */
export function joinAtSeam(
  before: readonly SpokenWord[],
  after: readonly SpokenWord[],
  { start, end }: { start: number; end: number },
): SpokenWord[] {
  const [kept, next] = seamOf(before, after, { start, end }) ?? [
    before.findIndex((word) => middleOf(word) >= (start + end) / 2),
    after.findIndex((word) => middleOf(word) >= (start + end) / 2),
  ];
  const first = before.slice(0, kept < 0 ? before.length : kept);
  const rest = next < 0 ? [] : after.slice(next);
  const [last, follower] = [first.at(-1), rest[0]];
  if (last === undefined || follower === undefined) return [...first, ...rest];
  const joined = rest.map((word) =>
    word.utterance === follower.utterance ? { ...word, utterance: last.utterance } : word,
  );
  return [...first, ...joined];
}

/** How many of the first, and from which of the second on. null: they have no word in common. */
function seamOf(
  before: readonly SpokenWord[],
  after: readonly SpokenWord[],
  { start, end }: { start: number; end: number },
): [number, number] | null {
  const firstBefore = before.findIndex((word) => word.end > start - SAME_WITHIN_SECONDS);
  const lastAfter = after.findLastIndex((word) => word.start < end + SAME_WITHIN_SECONDS);
  if (firstBefore < 0) return null;
  let best = { length: 0, apart: Infinity, i: 0, j: 0 };
  for (let i = firstBefore; i < before.length; i++) {
    for (let j = 0; j <= lastAfter; j++) {
      const { length, apart } = runFrom(before, after, i, j);
      const isLonger = length > best.length || (length === best.length && apart < best.apart);
      if (length > 0 && isLonger) best = { length, apart, i, j };
    }
  }
  if (best.length === 0) return null;
  const middle = Math.ceil(best.length / 2);
  return [best.i + middle, best.j + middle];
}

/** How many words are the same from these on, and how far apart in time they are. */
function runFrom(before: readonly SpokenWord[], after: readonly SpokenWord[], i: number, j: number) {
  let [length, apart] = [0, 0];
  for (;;) {
    const [a, b] = [before[i + length], after[j + length]];
    if (a === undefined || b === undefined || plain(a) !== plain(b)) break;
    if (Math.abs(middleOf(a) - middleOf(b)) > SAME_WITHIN_SECONDS) break;
    apart += Math.abs(middleOf(a) - middleOf(b));
    length += 1;
  }
  return { length, apart: apart / Math.max(1, length) };
}

/** Case and punctuation differ with what a window has heard before. */
function plain({ text }: SpokenWord): string {
  const letters = text.toLowerCase().replaceAll(/[\p{P}\s]/gu, "");
  return letters === "" ? text.trim() : letters;
}

function middleOf({ start, end }: SpokenWord): number {
  return (start + end) / 2;
}

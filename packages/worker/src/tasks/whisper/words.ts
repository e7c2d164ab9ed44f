import type { Segment } from "./segments.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A word as it is spoken, with the space before it where the language has one. Seconds. */
export interface SpokenWord {
  text: string;
  start: number;
  end: number;
  tokens: number;
  /** The sum of its tokens' natural logarithms. */
  logprob: number;
  /** Which utterance it is of: the same number, the same utterance. */
  utterance: number;
}

/** Written without spaces: each character that is whole is a word, as the reference has it. */
const UNSPACED = new Set(["zh", "ja", "th", "lo", "my", "yue"]);
const PUNCTUATION = /^[\p{P}\p{S}]+$/u;

/**
 * The words of a segment, their times as if every character took as long as any other. A token may be part of a character: those
 * that make one up stay together.
 */
export function wordsOf(
  { tokens, logprobs, start, end }: Segment,
  { tokenizer, language, utterance }: { tokenizer: Tokenizer; language: string; utterance: number },
): SpokenWord[] {
  const words: SpokenWord[] = [];
  for (const { text, first, last } of charactersOf(tokens, tokenizer)) {
    const logprob = logprobs.slice(first, last).reduce((sum, value) => sum + value, 0);
    const open = words.at(-1);
    const isOpen = open !== undefined && !beginsWord(text, UNSPACED.has(language));
    if (!isOpen) words.push({ text, start, end, tokens: last - first, logprob, utterance });
    else
      Object.assign(open, {
        text: open.text + text,
        tokens: open.tokens + last - first,
        logprob: open.logprob + logprob,
      });
  }
  return interpolated(words, start, end);
}

function beginsWord(text: string, isUnspaced: boolean): boolean {
  if (PUNCTUATION.test(text.trim())) return /^\s/.test(text) && !isUnspaced;
  return isUnspaced || /^\s/.test(text);
}

/** The shortest runs of tokens that are whole characters. What never becomes one is left as it is. */
function charactersOf(tokens: readonly number[], tokenizer: Tokenizer) {
  const found: { text: string; first: number; last: number }[] = [];
  let first = 0;
  for (let last = 1; last <= tokens.length; last++) {
    const text = tokenizer.decode(tokens.slice(first, last));
    if (text.includes("\uFFFD") && last < tokens.length) continue;
    found.push({ text, first, last });
    first = last;
  }
  return found;
}

function interpolated(words: readonly SpokenWord[], start: number, end: number): SpokenWord[] {
  const characters = words.reduce((sum, { text }) => sum + text.length, 0);
  const secondsPerCharacter = (end - start) / Math.max(1, characters);
  let seen = 0;
  return words.map((word) => {
    const from = start + seen * secondsPerCharacter;
    seen += word.text.length;
    return { ...word, start: from, end: start + seen * secondsPerCharacter };
  });
}

/**
 * The words at the times of their tokens: `tokenSeconds` holds where each token of the window begins, and then where the last ends.
 * A pause counts as the word's beside it there, so that no word leaves its segment.
 */
export function timedByTokens(
  words: readonly SpokenWord[],
  tokenSeconds: readonly number[],
  segmentOf: (word: SpokenWord) => Pick<Segment, "start" | "end">,
): SpokenWord[] {
  let token = 0;
  return words.map((word) => {
    const segment = segmentOf(word);
    const within = (seconds: number) => Math.min(segment.end, Math.max(segment.start, seconds));
    const start = within(tokenSeconds[token] ?? word.start);
    token += word.tokens;
    return { ...word, start, end: Math.max(start, within(tokenSeconds[token] ?? word.end)) };
  });
}

import { roundScore } from "./results.ts";
import { joinSpaced, spacingOf } from "./transcript.ts";
import type { Transcript, TranscriptUtterance, TranscriptWord } from "./transcript.ts";

/** Somebody has the floor from `start` to `end`, in seconds. Turns follow each other and do not overlap. */
export interface SpeakerTurn {
  start: number;
  end: number;
  speaker: string;
}

/** A word between two turns is the nearer one's, as long as it is no further away. */
const REACH_SECONDS = 1;

/**
 * The transcript with the speaker of each word: whose exclusive turn covers most of it, or else the nearest one's within a
 * second. Utterances are split where the speaker changes. A word that is near nobody's turn has no speaker, and stays with those
 * before it.
 */
export function withSpeakers(transcript: Transcript, turns: readonly SpeakerTurn[]): Transcript {
  const words = wordsWithSpeakers(transcript.words, turns);
  const utterances = wordsByUtterance(transcript.utterances, words).flatMap(({ utterance, own }) =>
    split(utterance, own),
  );
  return { ...transcript, words, utterances };
}

function wordsWithSpeakers(
  words: readonly TranscriptWord[],
  turns: readonly SpeakerTurn[],
): TranscriptWord[] {
  let first = 0;
  return words.map((word) => {
    // Words are in the order of their start: no later one reaches back to a turn that ended so long ago.
    while ((turns[first]?.end ?? Infinity) < word.start - REACH_SECONDS) first += 1;
    const speaker = speakerOf(word, turns, first);
    return speaker === null ? word : { ...word, speaker };
  });
}

function speakerOf(word: TranscriptWord, turns: readonly SpeakerTurn[], first: number): string | null {
  const seconds = new Map<string, number>();
  let nearest: { speaker: string; away: number } | null = null;
  for (let index = first; index < turns.length; index++) {
    const turn = turns[index];
    if (turn === undefined || turn.start > word.end + REACH_SECONDS) break;
    const overlap = Math.min(word.end, turn.end) - Math.max(word.start, turn.start);
    if (overlap > 0) seconds.set(turn.speaker, (seconds.get(turn.speaker) ?? 0) + overlap);
    const away = Math.max(0, -overlap);
    if (away <= REACH_SECONDS && (nearest === null || away < nearest.away)) {
      nearest = { speaker: turn.speaker, away };
    }
  }
  const [most] = [...seconds].toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? nearest?.speaker ?? null;
}

/** Both are in the order of time: a word is the last utterance's that began by its middle. */
function wordsByUtterance(utterances: readonly TranscriptUtterance[], words: readonly TranscriptWord[]) {
  const groups = utterances.map((utterance) => ({ utterance, own: new Array<TranscriptWord>() }));
  let at = 0;
  for (const word of words) {
    const middle = (word.start + word.end) / 2;
    while ((groups[at + 1]?.utterance.start ?? Infinity) <= middle) at += 1;
    groups[at]?.own.push(word);
  }
  return groups;
}

/** An utterance of one speaker stays as it is, with its text. */
function split(utterance: TranscriptUtterance, words: readonly TranscriptWord[]): TranscriptUtterance[] {
  const parts: { speaker: string | undefined; words: TranscriptWord[] }[] = [];
  for (const word of words) {
    const last = parts.at(-1);
    if (last === undefined || isAnother(last.speaker, word.speaker)) {
      parts.push({ speaker: word.speaker, words: [word] });
    } else {
      last.words.push(word);
      last.speaker ??= word.speaker;
    }
  }
  if (parts.length <= 1) return [withSpeaker(utterance, parts[0]?.speaker)];
  const spaced = spacingOf(utterance.text, words);
  let taken = 0;
  return parts.map(({ speaker, words: own }, index) => {
    const isLast = index === parts.length - 1;
    const start = index === 0 ? utterance.start : (own[0]?.start ?? utterance.start);
    const end = isLast ? utterance.end : (own.at(-1)?.end ?? utterance.end);
    const text = joinSpaced(spaced.slice(taken, taken + own.length));
    taken += own.length;
    return withSpeaker({ start, end, text, confidence: meanConfidence(own) }, speaker);
  });
}

function isAnother(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function withSpeaker(utterance: TranscriptUtterance, speaker: string | undefined): TranscriptUtterance {
  return speaker === undefined ? utterance : { ...utterance, speaker };
}

function meanConfidence(words: readonly TranscriptWord[]): number {
  return roundScore(words.reduce((sum, { confidence }) => sum + confidence, 0) / words.length);
}

import { spacingOf } from "./transcript.ts";
import type { Transcript, TranscriptUtterance } from "./transcript.ts";

export interface CueLimits {
  /** Characters, as a reader counts them, of one line. */
  maxCharacters: number;
  maxLines: number;
  /** How long one cue may stay. A single word that lasts longer does. */
  maxSeconds: number;
}

/** As broadcasters have it: two lines of 42 characters, seven seconds. */
export const DEFAULT_CUE_LIMITS: CueLimits = { maxCharacters: 42, maxLines: 2, maxSeconds: 7 };

/** What is shown from `start` to `end`, in seconds. */
export interface Cue {
  start: number;
  end: number;
  lines: string[];
  speaker?: string | undefined;
}

interface TimedText {
  text: string;
  start: number;
  end: number;
  speaker?: string | undefined;
}

/** The least that is put into a line: a word, or a part of one that no line holds. */
interface Piece extends TimedText {
  isSpaced: boolean;
}

/** So long a pause ends a cue: its text must not stand while nobody speaks. */
const PAUSE_SECONDS = 2;
/** A sentence that is too long for one cue is parted at a comma, if what stands before it fills so much of the cue. */
const LEAST_CLAUSE = 0.4;

const SENTENCE_END = /[.?!。．？！…‥؟۔।]["'”’»)\]）」』]*$/u;
const CLAUSE_END = /[,;:、，；：،—–]["'”’»)\]）」』]*$/u;

let segmenter: Intl.Segmenter | undefined;

/** Made when a transcript is laid out: to make one takes longer than all else that this module's importers do at their start. */
function charactersOf(text: string): string[] {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

/**
 * Lays a transcript out in cues of whole sentences where they fit. No word is lost, starts never decrease, no cue outlasts the
 * start of the next. `labelOf`: what is written before the first words of a speaker; it counts in the line.
 */
export function cuesOf(
  transcript: Transcript,
  limits: CueLimits = DEFAULT_CUE_LIMITS,
  labelOf: (speaker: string) => string = () => "",
): Cue[] {
  const layout = new CueLayout(limits, labelOf);
  for (const sentence of sentencesOf(piecesOf(transcript, limits.maxCharacters))) layout.add(sentence);
  return inOrder(layout.finish());
}

class CueLayout {
  readonly #limits: CueLimits;
  readonly #labelOf: (speaker: string) => string;
  readonly #cues: Cue[] = [];
  #open: Piece[] = [];
  #lastSpeaker: string | undefined;

  constructor(limits: CueLimits, labelOf: (speaker: string) => string) {
    this.#limits = limits;
    this.#labelOf = labelOf;
  }

  /** With what is open if all of it fits, else from a new cue on, and over as many as it needs. */
  add(sentence: readonly Piece[]): void {
    if (!this.#fits([...this.#open, ...sentence])) this.#close(this.#open.length);
    for (const piece of sentence) {
      while (this.#open.length > 0 && !this.#fits([...this.#open, piece]))
        this.#close(this.#breakBefore(piece));
      this.#open.push(piece);
    }
  }

  finish(): Cue[] {
    this.#close(this.#open.length);
    return this.#cues;
  }

  /** How many of the open pieces become a cue when the next one does not fit: up to the last comma that comes late enough. */
  #breakBefore(next: Piece): number {
    if (isTurn(this.#open.at(-1), next)) return this.#open.length;
    const clause = this.#open.findLastIndex(({ text }) => CLAUSE_END.test(text)) + 1;
    return clause > LEAST_CLAUSE * this.#open.length ? clause : this.#open.length;
  }

  #close(count: number): void {
    const pieces = this.#open.splice(0, count);
    const [first] = pieces;
    if (first === undefined) return;
    const { start, speaker } = first;
    const end = Math.max(...pieces.map((piece) => piece.end));
    this.#cues.push({
      start,
      end,
      lines: this.#linesOf(pieces),
      ...(speaker === undefined ? {} : { speaker }),
    });
    this.#lastSpeaker = speaker;
  }

  #fits(pieces: readonly Piece[]): boolean {
    const [first] = pieces;
    if (first === undefined) return true;
    const { maxLines, maxSeconds } = this.#limits;
    const isOneTurn = pieces.every((piece, i) => i === 0 || !isTurn(pieces[i - 1], piece));
    const last = pieces.at(-1) ?? first;
    return isOneTurn && last.end - first.start <= maxSeconds && this.#linesOf(pieces).length <= maxLines;
  }

  #linesOf(pieces: readonly Piece[]): string[] {
    const { maxCharacters } = this.#limits;
    const speaker = pieces[0]?.speaker;
    let line = speaker === undefined || speaker === this.#lastSpeaker ? "" : this.#labelOf(speaker);
    const lines: string[] = [];
    for (const [i, { text, isSpaced }] of pieces.entries()) {
      const space = isSpaced || i === 0 ? " " : "";
      const longer = line === "" ? text : line + space + text;
      const isFull = line !== "" && lengthOf(longer) > maxCharacters;
      if (isFull) lines.push(line);
      line = isFull ? text : longer;
    }
    return [...lines, line];
  }
}

/** Whether a new cue begins between the two whatever room there is: another speaker, or a pause. */
function isTurn(before: Piece | undefined, piece: Piece): boolean {
  if (before === undefined) return false;
  return before.speaker !== piece.speaker || piece.start - before.end > PAUSE_SECONDS;
}

function sentencesOf(pieces: readonly Piece[]): Piece[][] {
  const sentences: Piece[][] = [];
  const sentence: Piece[] = [];
  for (const piece of pieces) {
    if (isTurn(sentence.at(-1), piece)) sentences.push(sentence.splice(0));
    sentence.push(piece);
    if (SENTENCE_END.test(piece.text)) sentences.push(sentence.splice(0));
  }
  return [...sentences, sentence];
}

/** Of its words; where it has none, of its utterances, as if each character took as long as any other. */
function piecesOf({ text, words, utterances }: Transcript, maxCharacters: number): Piece[] {
  const timed: TimedText[] = words.length > 0 ? words : utterances.flatMap(wordsOf);
  return spacingOf(text, timed)
    .map(({ part, isSpaced }) => ({ ...part, text: part.text.replaceAll(/\s+/gu, " ").trim(), isSpaced }))
    .filter((piece) => piece.text !== "")
    .flatMap((piece) => cutToFit(piece, maxCharacters));
}

function wordsOf({ text, start, end, speaker }: TranscriptUtterance): TimedText[] {
  const secondsPerUnit = (end - start) / Math.max(1, text.length);
  return [...text.matchAll(/\S+/gu)].map(({ 0: word, index }) => ({
    text: word,
    start: start + index * secondsPerUnit,
    end: start + (index + word.length) * secondsPerUnit,
    speaker,
  }));
}

function cutToFit(piece: Piece, maxCharacters: number): Piece[] {
  const characters = charactersOf(piece.text);
  if (characters.length <= maxCharacters) return [piece];
  const secondsPerCharacter = (piece.end - piece.start) / characters.length;
  return Array.from({ length: Math.ceil(characters.length / maxCharacters) }, (_, part) => {
    const first = part * maxCharacters;
    const own = characters.slice(first, first + maxCharacters);
    const start = piece.start + first * secondsPerCharacter;
    return {
      ...piece,
      text: own.join(""),
      start,
      end: start + own.length * secondsPerCharacter,
      isSpaced: part === 0 && piece.isSpaced,
    };
  });
}

/** Players want cues in order, and show two at once on top of each other. */
function inOrder(cues: readonly Cue[]): Cue[] {
  let latest = 0;
  const starts = cues.map(({ start }) => (latest = Math.max(latest, start)));
  return cues.map((cue, i) => {
    const start = starts[i] ?? cue.start;
    const end = Math.max(start, Math.min(cue.end, starts[i + 1] ?? Infinity));
    return { ...cue, start, end };
  });
}

function lengthOf(text: string): number {
  return charactersOf(text).length;
}

/** Samples of what is to be transcribed at once. */
export interface SpeechChunk {
  start: number;
  end: number;
  /** Up to where the chunk before has been heard already, where speech ran on at its end. */
  heardTo: number | null;
}

export interface ChunkOptions {
  /** Samples of one probability of speech. */
  windowSamples: number;
  /** The longest chunk. */
  mostSamples: number;
  /** What is heard twice where speech runs on. */
  overlapSamples: number;
  /** Kept around speech. */
  paddingSamples: number;
  /** So long a silence ends a chunk. */
  gapSamples: number;
  /** Where so long a silence is, a chunk that is full is cut. */
  pauseSamples: number;
}

const SPEECH = 0.5;
const NO_SPEECH = 0.35;

interface Pause {
  from: number;
  to: number;
}

/**
 * Parts audio, by the probability of speech of each window, into chunks that a model can take in: cut in silence where there is
 * any, and where there is none so that the next hears the end of this once more. What is silent is in none.
 */
export class SpeechChunks {
  readonly #options: ChunkOptions;
  #position = 0;
  #isSpeech = false;
  #speechEnd = 0;
  /** Of the chunk under way. */
  #start: number | null = null;
  #heardTo: number | null = null;
  #pauses: Pause[] = [];
  #latestEnd = 0;

  constructor(options: ChunkOptions) {
    this.#options = options;
  }

  /** The first sample that a chunk may still need. */
  get keptFrom(): number {
    return this.#start ?? Math.max(this.#latestEnd, this.#position - this.#options.paddingSamples);
  }

  push(probability: number): SpeechChunk[] {
    const { windowSamples, paddingSamples, gapSamples, mostSamples } = this.#options;
    const start = this.#position;
    this.#position += windowSamples;
    this.#isSpeech = probability >= (this.#isSpeech ? NO_SPEECH : SPEECH);
    if (this.#isSpeech) {
      this.#start ??= Math.max(this.#latestEnd, start - paddingSamples);
      this.#notePause(start);
      this.#speechEnd = this.#position;
    }
    if (this.#start === null) return [];
    if (this.#position - this.#speechEnd >= gapSamples)
      return [this.#close(this.#speechEnd + paddingSamples)];
    return this.#position - this.#start >= mostSamples ? [this.#cut(this.#start)] : [];
  }

  finish(totalSamples: number): SpeechChunk[] {
    if (this.#start === null) return [];
    return [this.#close(Math.min(totalSamples, this.#speechEnd + this.#options.paddingSamples))];
  }

  #notePause(to: number): void {
    const from = this.#speechEnd;
    if (from > (this.#start ?? 0) && to - from >= this.#options.pauseSamples) this.#pauses.push({ from, to });
  }

  /** Ends the chunk; the next begins with the next speech. */
  #close(end: number): SpeechChunk {
    const chunk = this.#take(end);
    this.#start = null;
    return chunk;
  }

  #take(end: number): SpeechChunk {
    const chunk = { start: this.#start ?? 0, end, heardTo: this.#heardTo };
    this.#latestEnd = end;
    this.#heardTo = null;
    this.#pauses = this.#pauses.filter(({ from }) => from > end);
    return chunk;
  }

  /** In the middle of the longest pause of its later two thirds; where there is none, at its end, and the next hears that again. */
  #cut(start: number): SpeechChunk {
    this.#notePause(this.#position);
    const { mostSamples, overlapSamples } = this.#options;
    const pause = this.#pauses
      .filter(({ from }) => from - start >= mostSamples / 3)
      .reduce<Pause | null>((longest, one) => (lengthOf(one) >= lengthOf(longest) ? one : longest), null);
    if (pause !== null) {
      const chunk = this.#take(Math.round((pause.from + pause.to) / 2));
      this.#start = chunk.end;
      return chunk;
    }
    const chunk = this.#take(start + mostSamples);
    this.#start = chunk.end - overlapSamples;
    this.#heardTo = chunk.end;
    return chunk;
  }
}

function lengthOf(pause: Pause | null): number {
  return pause === null ? 0 : pause.to - pause.from;
}

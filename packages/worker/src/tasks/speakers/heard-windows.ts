import { RowStore } from "../row-store.ts";
import type { HeardVoice } from "./cluster-voices.ts";
import { SEGMENTATION } from "./segmentation.ts";

/** One of a window's speakers. */
export interface Voice {
  /** 256 values, of length 1. */
  embedding: Float32Array;
  /** Of speech that nobody else speaks into. */
  cleanSeconds: number;
}

/** Of the voice model. */
const EMBEDDING_SIZE = 256;

/**
 * What is kept of each 10 s of a file: a byte a frame, and of each speaker a vector. Of an hour that is 3 MB where one speaks at
 * a time, and not an object each, which would take as much again.
 */
export class HeardWindows {
  readonly #codes = new RowStore(SEGMENTATION.frames, Uint8Array);
  /** By window, of each of its speakers the row of their voice, counted from 1; 0 for those that are hardly heard. */
  readonly #rows = new RowStore(SEGMENTATION.speakers, Int32Array);
  readonly #embeddings = new RowStore(EMBEDDING_SIZE, Float32Array);
  readonly #cleanSeconds = new RowStore(1, Float32Array);
  #voices = 0;
  #windows = 0;

  /** One more than the last that was set. */
  get length(): number {
    return this.#windows;
  }

  /** In any order. @param voices One a speaker; null for who is hardly heard. */
  set(window: number, codes: Uint8Array, voices: readonly (Voice | null)[]): void {
    this.#windows = Math.max(this.#windows, window + 1);
    this.#codes.set(window, codes);
    this.#rows.set(
      window,
      voices.map((voice) => (voice === null ? 0 : this.#add(voice))),
    );
  }

  codesOf(window: number): Uint8Array {
    return this.#codes.copyOf(window);
  }

  /** The vectors of a window's speakers. */
  embeddingsOf(window: number): (Float32Array | null)[] {
    return [...this.#rows.copyOf(window)].map((row) => (row === 0 ? null : this.#embeddings.copyOf(row - 1)));
  }

  /** All voices in the order of their windows, but those that speak alone for less. */
  *voices(leastCleanSeconds: number): Generator<HeardVoice> {
    for (let window = 0; window < this.#windows; window++) {
      for (const row of this.#rows.copyOf(window)) {
        if (row === 0 || (this.#cleanSeconds.copyOf(row - 1)[0] ?? 0) < leastCleanSeconds) continue;
        yield { window, embedding: this.#embeddings.copyOf(row - 1) };
      }
    }
  }

  /** @returns its row, counted from 1. */
  #add({ embedding, cleanSeconds }: Voice): number {
    this.#embeddings.set(this.#voices, embedding);
    this.#cleanSeconds.set(this.#voices, [cleanSeconds]);
    this.#voices += 1;
    return this.#voices;
  }
}

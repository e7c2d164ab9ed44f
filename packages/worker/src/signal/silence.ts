import { decibelsToAmplitude } from "./decibels.ts";

/** In seconds from the start of the audio. */
export interface Span {
  start: number;
  end: number;
}

export interface SilenceOptions {
  sampleRateHz: number;
  thresholdDbfs: number;
  minSeconds: number;
}

/** Shorter spans are never reported, whatever `minSeconds` says: otherwise each zero crossing could be one. */
const SHORTEST_SILENCE_SECONDS = 0.05;

/** Finds where every channel stays under a threshold, over blocks of any size. It keeps the spans and nothing else. */
export class SilenceDetector {
  readonly #sampleRateHz: number;
  readonly #threshold: number;
  readonly #minSamples: number;
  readonly #spans: Span[] = [];
  #position = 0;
  /** Where the silence that is still open began; the position itself when there is none. */
  #quietSince = 0;

  constructor({ sampleRateHz, thresholdDbfs, minSeconds }: SilenceOptions) {
    this.#sampleRateHz = sampleRateHz;
    this.#threshold = decibelsToAmplitude(thresholdDbfs);
    this.#minSamples = Math.max(minSeconds, SHORTEST_SILENCE_SECONDS) * sampleRateHz;
  }

  /** `channels`: one array a channel, all of one length. */
  push(channels: readonly Float32Array[]): void {
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      if (this.#isLoud(channels, i)) this.#close(this.#position + i);
    }
    this.#position += length;
  }

  /** Silences in order; the last may reach to the end of what was pushed. */
  finish(): Span[] {
    this.#close(this.#position);
    return this.#spans;
  }

  #isLoud(channels: readonly Float32Array[], index: number): boolean {
    for (const samples of channels) {
      if (Math.abs(samples[index] ?? 0) >= this.#threshold) return true;
    }
    return false;
  }

  /** Ends the open silence before the loud sample at `position`. */
  #close(position: number): void {
    if (position - this.#quietSince >= this.#minSamples) {
      this.#spans.push({ start: this.#quietSince / this.#sampleRateHz, end: position / this.#sampleRateHz });
    }
    this.#quietSince = position + 1;
  }
}

import { trackBeats } from "./beats.ts";
import { ChromaMeter } from "./chroma.ts";
import { Decimator } from "./decimator.ts";
import { estimateKey } from "./key.ts";
import type { Key } from "./key.ts";
import { OnsetEnvelope } from "./onset-envelope.ts";
import { estimateTempo } from "./tempo.ts";
import type { Tempo } from "./tempo.ts";

/** Neither beats nor tonality need more. Rates above are brought down to between this and its double. */
const ENOUGH_HZ = 16_000;

export interface Music {
  tempo: Tempo | null;
  /** Seconds from the start of the audio; none without a tempo. */
  beats: number[];
  key: Key | null;
  /** From A4 = 440 Hz; 0 where there is no pitch. */
  tuningCents: number;
}

/** Tempo, beats and key of one channel, over blocks of any size. */
export class MusicMeter {
  readonly #decimator: Decimator;
  readonly #onsets: OnsetEnvelope;
  readonly #chroma: ChromaMeter;

  constructor(sampleRateHz: number) {
    const factor = Math.max(1, Math.floor(sampleRateHz / ENOUGH_HZ));
    this.#decimator = new Decimator(factor);
    this.#onsets = new OnsetEnvelope(sampleRateHz / factor);
    this.#chroma = new ChromaMeter(sampleRateHz / factor);
  }

  push(samples: Float32Array): void {
    const fewer = this.#decimator.push(samples);
    this.#onsets.push(fewer);
    this.#chroma.push(fewer);
  }

  finish(): Music {
    const { frameRateHz, firstSeconds } = this.#onsets;
    const envelope = this.#onsets.finish();
    const tempo = estimateTempo(envelope, frameRateHz);
    const frames = tempo === null ? [] : trackBeats(envelope, frameRateHz, tempo.bpm);
    const { classes, tuningCents } = this.#chroma.finish();
    return {
      tempo,
      beats: frames.map((frame) => firstSeconds + frame / frameRateHz),
      key: estimateKey(classes),
      tuningCents,
    };
  }
}

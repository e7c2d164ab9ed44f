import { PowerSpectrum } from "./fft.ts";
import { applyMelBank, createMelBank } from "./mel-bank.ts";

/** The front end of MusiCNN and of EffNet-Discogs, as Essentia's `TensorflowInputMusiCNN` computes it. */
export const MUSICNN = { sampleRateHz: 16_000, frameSamples: 512, hopSamples: 256, bands: 96 } as const;

const BINS = MUSICNN.frameSamples / 2 + 1;
const BANK = createMelBank({
  bands: MUSICNN.bands,
  bins: BINS,
  sampleRateHz: MUSICNN.sampleRateHz,
  lowHz: 0,
  highHz: MUSICNN.sampleRateHz / 2,
});
/** Symmetric Hann, not normalised. */
const WINDOW = Float32Array.from(
  { length: MUSICNN.frameSamples },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (MUSICNN.frameSamples - 1)),
);

/**
 * Samples to log-mel frames of 96 bands, over blocks of any size. Frames are centred: frame i covers samples
 * [(i − 1)·256, (i − 1)·256 + 512) with zeros outside the audio, so that n samples give ceil(n / 256) + 1 frames.
 */
export class MusicnnMel {
  readonly #onFrame: (frame: Float32Array) => void;
  readonly #spectrum = new PowerSpectrum(MUSICNN.frameSamples);
  readonly #samples = new Float32Array(MUSICNN.frameSamples);
  readonly #windowed = new Float32Array(MUSICNN.frameSamples);
  readonly #power = new Float32Array(BINS);
  readonly #frame = new Float32Array(MUSICNN.bands);
  /** The first frame begins with half a frame of zeros. */
  #filled: number = MUSICNN.hopSamples;

  /** @param onFrame Takes each frame in turn. The array is used again for the next one. */
  constructor(onFrame: (frame: Float32Array) => void) {
    this.#onFrame = onFrame;
  }

  /** Samples at 16 kHz, mono, nominally in [-1, 1]. */
  push(samples: Float32Array): void {
    for (let taken = 0; taken < samples.length;) {
      const part = samples.subarray(taken, taken + MUSICNN.frameSamples - this.#filled);
      this.#samples.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === MUSICNN.frameSamples) this.#advance();
    }
  }

  /** Lets the audio end in zeros: one frame more, or two when the last hop is not full. */
  finish(): void {
    const rest = this.#filled > MUSICNN.hopSamples ? 2 : 1;
    for (let frame = 0; frame < rest; frame++) {
      this.#samples.fill(0, this.#filled);
      this.#advance();
    }
  }

  #advance(): void {
    this.#compute();
    this.#onFrame(this.#frame);
    this.#samples.copyWithin(0, MUSICNN.hopSamples);
    this.#filled = MUSICNN.frameSamples - MUSICNN.hopSamples;
  }

  #compute(): void {
    for (let i = 0; i < MUSICNN.frameSamples; i++) this.#windowed[i] = at(this.#samples, i) * at(WINDOW, i);
    this.#spectrum.compute(this.#windowed, this.#power);
    applyMelBank(BANK, this.#power, this.#frame);
    for (let i = 0; i < MUSICNN.bands; i++) this.#frame[i] = Math.log10(1 + 10_000 * at(this.#frame, i));
  }
}

/** `index` is within the array: the loops above run over its length. */
function at(values: Float32Array, index: number): number {
  return values[index] as number;
}

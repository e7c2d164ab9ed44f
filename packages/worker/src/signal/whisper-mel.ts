import { applyMelBank, createMelBank } from "./mel-bank.ts";

/** The published front end of Whisper: 3,000 frames of 30 s at 16 kHz. */
export const WHISPER_MEL = {
  sampleRateHz: 16_000,
  samples: 480_000,
  hopSamples: 160,
  frames: 3_000,
} as const;

const FRAME = 400;
const BINS = FRAME / 2 + 1;
/** A frame's transform is put together of 16 transforms of 25 samples (Cooley and Tukey). */
const PARTS = 16;
const PART = FRAME / PARTS;

/** Nothing is taken to be quieter than this, nor than 8 decades below the loudest band of the window. */
const LEAST_POWER = 1e-10;
const RANGE = 8;

/** Periodic Hann. */
const WINDOW = Float64Array.from(
  { length: FRAME },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME),
);
const COSINES = Float64Array.from({ length: FRAME }, (_, i) => Math.cos((2 * Math.PI * i) / FRAME));
const SINES = Float64Array.from({ length: FRAME }, (_, i) => Math.sin((2 * Math.PI * i) / FRAME));

/**
 * Log-mel of up to 30 s, the rest taken as silence: row-major [bands, 3000], log10 of the power in `bands` mel bands (80, and 128 of
 * large-v3) of Slaney's scale and norm, as (x + 4) / 4. Frames are centred on every 160th sample; the start is mirrored.
 */
export function whisperLogMel(samples: Float32Array, bands: number): Float32Array {
  const bank = bankOf(bands);
  const { frames, hopSamples } = WHISPER_MEL;
  const mel = new Float32Array(bands * frames).fill(Math.log10(LEAST_POWER));
  const heard = Math.min(frames, Math.ceil((samples.length + FRAME / 2) / hopSamples));
  const [power, row] = [new Float32Array(BINS), new Float32Array(bands)];
  const transform = new Transform400();
  for (let frame = 0; frame < heard; frame++) {
    transform.powerOf(samples, frame * hopSamples - FRAME / 2, power);
    applyMelBank(bank, power, row);
    for (let band = 0; band < bands; band++)
      mel[band * frames + frame] = Math.log10(Math.max(LEAST_POWER, at(row, band)));
  }
  const floor = mel.reduce((most, value) => Math.max(most, value), -Infinity) - RANGE;
  return mel.map((value) => (Math.max(value, floor) + 4) / 4);
}

function bankOf(bands: number) {
  const highHz = WHISPER_MEL.sampleRateHz / 2;
  return createMelBank({ bands, bins: BINS, sampleRateHz: WHISPER_MEL.sampleRateHz, lowHz: 0, highHz });
}

/** |X|² of 400 real samples, without an allocation per frame. */
class Transform400 {
  readonly #windowed = new Float64Array(FRAME);
  readonly #re = new Float64Array(FRAME);
  readonly #im = new Float64Array(FRAME);

  /** Of the windowed samples from `start` on; those before the first are mirrored, those after the last are zeros. */
  powerOf(samples: Float32Array, start: number, power: Float32Array): void {
    for (let i = 0; i < FRAME; i++) this.#windowed[i] = at(WINDOW, i) * (samples[Math.abs(start + i)] ?? 0);
    for (let part = 0; part < PARTS; part++) this.#transformPart(part);
    for (let bin = 0; bin < BINS; bin++) power[bin] = this.#powerAt(bin);
  }

  /** Every 16th sample from `part` on, turned by its place: 25 values, of which those of real samples are mirrored. */
  #transformPart(part: number): void {
    for (let k = 0; k <= PART >> 1; k++) {
      let [re, im] = [0, 0];
      for (let i = 0; i < PART; i++) {
        const sample = at(this.#windowed, PARTS * i + part);
        const turn = ((i * k) % PART) * PARTS;
        re += sample * at(COSINES, turn);
        im -= sample * at(SINES, turn);
      }
      this.#turnInto(part, k, re, im);
      if (k > 0) this.#turnInto(part, PART - k, re, -im);
    }
  }

  #turnInto(part: number, k: number, re: number, im: number): void {
    const [cos, sin] = [at(COSINES, part * k), at(SINES, part * k)];
    this.#re[part * PART + k] = re * cos + im * sin;
    this.#im[part * PART + k] = im * cos - re * sin;
  }

  #powerAt(bin: number): number {
    let [re, im] = [0, 0];
    const step = Math.floor(bin / PART) * PART;
    for (let part = 0; part < PARTS; part++) {
      const turn = (part * step) % FRAME;
      const [x, y] = [at(this.#re, part * PART + (bin % PART)), at(this.#im, part * PART + (bin % PART))];
      re += x * at(COSINES, turn) + y * at(SINES, turn);
      im += y * at(COSINES, turn) - x * at(SINES, turn);
    }
    return re * re + im * im;
  }
}

/** `index` is within the array: the loops run over its length. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}

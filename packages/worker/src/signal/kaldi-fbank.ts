import { PowerSpectrum } from "./fft.ts";
import { applyMelBank } from "./mel-bank.ts";
import type { MelBank } from "./mel-bank.ts";

/** The filter bank energies that WeSpeaker's models hear, as Kaldi computes them: 25 ms each 10 ms, 80 bands of 20 to 8000 Hz. */
export const KALDI_FBANK = {
  sampleRateHz: 16_000,
  frameSamples: 400,
  hopSamples: 160,
  bands: 80,
} as const;

const LOW_HZ = 20;
const FFT_SIZE = 512;
const BINS = FFT_SIZE / 2 + 1;
/** Kaldi computes on 16-bit samples. */
const FULL_SCALE = 32_768;
const PREEMPHASIS = 0.97;
/** No energy is taken to be less: float32's epsilon. */
const LEAST_ENERGY = 2 ** -23;
/** Symmetric Hamming, as the models were trained; Kaldi's own default is Povey's. */
const WINDOW = Float64Array.from(
  { length: KALDI_FBANK.frameSamples },
  (_, i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (KALDI_FBANK.frameSamples - 1)),
);
const BANK = createKaldiMelBank();

/** Frames that lie wholly within so many samples (`snip_edges`). */
export function fbankFrames(samples: number): number {
  const { frameSamples, hopSamples } = KALDI_FBANK;
  return samples < frameSamples ? 0 : 1 + Math.floor((samples - frameSamples) / hopSamples);
}

export class KaldiFbank {
  readonly #spectrum = new PowerSpectrum(FFT_SIZE);
  readonly #frame = new Float32Array(FFT_SIZE);
  readonly #power = new Float32Array(BINS);

  /** Writes to `out` the 80 log energies of frame `index` of `samples`, which are mono, 16 kHz, nominally in [-1, 1]. */
  compute(samples: Float32Array, index: number, out: Float32Array): void {
    const { frameSamples, hopSamples } = KALDI_FBANK;
    const start = index * hopSamples;
    let mean = 0;
    for (let i = 0; i < frameSamples; i++) mean += at(samples, start + i) / frameSamples;
    let before = at(samples, start) - mean;
    for (let i = 0; i < frameSamples; i++) {
      const sample = at(samples, start + i) - mean;
      this.#frame[i] = FULL_SCALE * (sample - PREEMPHASIS * before) * at(WINDOW, i);
      before = sample;
    }
    this.#spectrum.compute(this.#frame, this.#power);
    applyMelBank(BANK, this.#power, out);
    for (let band = 0; band < out.length; band++) out[band] = Math.log(Math.max(LEAST_ENERGY, at(out, band)));
  }
}

/** Takes the mean over all rows from each band (cepstral mean normalisation). Row-major [frames, 80], in place. */
export function subtractBandMeans(rows: Float32Array): void {
  const { bands } = KALDI_FBANK;
  const frames = rows.length / bands;
  for (let band = 0; band < bands; band++) {
    let mean = 0;
    for (let i = band; i < rows.length; i += bands) mean += at(rows, i) / frames;
    for (let i = band; i < rows.length; i += bands) rows[i] = at(rows, i) - mean;
  }
}

/** Triangles that are linear in mel (1127·ln(1 + f/700)), not normalised; the bin at half the sample rate is left out. */
function createKaldiMelBank(): MelBank {
  const { bands, sampleRateHz } = KALDI_FBANK;
  const low = melOf(LOW_HZ);
  const step = (melOf(sampleRateHz / 2) - low) / (bands + 1);
  const binMels = Array.from({ length: BINS - 1 }, (_, bin) => melOf((bin * sampleRateHz) / FFT_SIZE));
  const triangles = Array.from({ length: bands }, (_, band) => {
    const left = low + band * step;
    const heights = binMels.map((mel) => 1 - Math.abs(mel - (left + step)) / step);
    const start = heights.findIndex((height) => height > 0);
    return { start, weights: Float32Array.from(heights.filter((height) => height > 0)) };
  });
  return {
    starts: Int32Array.from(triangles, ({ start }) => start),
    weights: triangles.map(({ weights }) => weights),
    hz: Float32Array.from({ length: bands + 2 }, (_, corner) => hzOf(low + corner * step)),
  };
}

function melOf(hz: number): number {
  return 1_127 * Math.log(1 + hz / 700);
}

function hzOf(mel: number): number {
  return 700 * (Math.exp(mel / 1_127) - 1);
}

/** `index` is within the array: the loops above run over its length, and a frame lies within its samples. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}

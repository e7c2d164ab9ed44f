import { applyMelBank, createMelBank } from "./mel-bank.ts";

/** The published front end of DNSMOS P.808: 900 frames of 120 bands from 9 s at 16 kHz. */
export const DNSMOS_MEL = {
  sampleRateHz: 16_000,
  samples: 144_000,
  hopSamples: 160,
  frames: 900,
  bands: 120,
} as const;

/** An odd length, as published (n_fft = frame size + 1), so no power of two. */
const FRAME = 321;
const HALF = (FRAME - 1) / 2;
const BINS = HALF + 1;
/** Bands this far below the loudest of the window are cut off there. */
const RANGE_DB = 80;
/** And nothing is taken to be quieter than this. */
const LEAST_POWER = 1e-10;

const BANK = createMelBank({
  bands: DNSMOS_MEL.bands,
  bins: BINS,
  binHz: DNSMOS_MEL.sampleRateHz / FRAME,
  sampleRateHz: DNSMOS_MEL.sampleRateHz,
  lowHz: 0,
  highHz: DNSMOS_MEL.sampleRateHz / 2,
});
/** Periodic Hann. */
const WINDOW = Float64Array.from(
  { length: FRAME },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME),
);
const COSINES = Float64Array.from({ length: FRAME }, (_, i) => Math.cos((2 * Math.PI * i) / FRAME));
const SINES = Float64Array.from({ length: FRAME }, (_, i) => Math.sin((2 * Math.PI * i) / FRAME));

/**
 * The power in 120 mel bands of the 321 samples around `centre`, zeros outside of `samples`: librosa's melspectrogram with
 * n_fft 321, hop 160 and Slaney's scale and norm.
 */
export function dnsmosMelFrame(samples: Float32Array, centre: number): Float32Array {
  const windowed = Float64Array.from(WINDOW, (weight, i) => weight * (samples[centre - HALF + i] ?? 0));
  const power = new Float32Array(BINS);
  for (let bin = 0; bin < BINS; bin++) power[bin] = powerAt(windowed, bin);
  const frame = new Float32Array(DNSMOS_MEL.bands);
  applyMelBank(BANK, power, frame);
  return frame;
}

/** |X[bin]|² by its sum: 321 has no transform worth its code, and the model costs ten times as much. */
function powerAt(windowed: Float64Array, bin: number): number {
  let re = 0;
  let im = 0;
  let turn = 0;
  for (let i = 0; i < FRAME; i++) {
    re += at(windowed, i) * at(COSINES, turn);
    im -= at(windowed, i) * at(SINES, turn);
    turn += bin;
    if (turn >= FRAME) turn -= FRAME;
  }
  return re * re + im * im;
}

/** Decibels below the window's loudest band, 80 at most, scaled as published: (dB + 40) / 40. Row-major [900, 120]. */
export function dnsmosLogMel(frames: readonly Float32Array[]): Float32Array {
  let loudest = LEAST_POWER;
  for (const frame of frames) for (const power of frame) loudest = Math.max(loudest, power);
  const reference = 10 * Math.log10(loudest);
  const values = new Float32Array(DNSMOS_MEL.frames * DNSMOS_MEL.bands);
  for (const [row, frame] of frames.entries()) {
    for (let band = 0; band < frame.length; band++) {
      const decibels = 10 * Math.log10(Math.max(LEAST_POWER, at(frame, band))) - reference;
      values[row * DNSMOS_MEL.bands + band] = (Math.max(-RANGE_DB, decibels) + 40) / 40;
    }
  }
  return values;
}

/** `index` is within the array: the loops run over its length. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}

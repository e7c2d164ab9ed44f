import { decibelsToAmplitude } from "./decibels.ts";

/** Signals by formula, for tests. */
export interface Tone {
  hz: number;
  sampleRateHz: number;
  seconds: number;
  /** Of the peak, not of the RMS, as in the EBU's documents. */
  peakDbfs: number;
  phaseDegrees?: number;
}

export function tone({ hz, sampleRateHz, seconds, peakDbfs, phaseDegrees = 0 }: Tone): Float32Array {
  const amplitude = decibelsToAmplitude(peakDbfs);
  const step = (2 * Math.PI * hz) / sampleRateHz;
  const phase = (phaseDegrees * Math.PI) / 180;
  return Float32Array.from(
    { length: Math.round(seconds * sampleRateHz) },
    (_, i) => amplitude * Math.sin(step * i + phase),
  );
}

/** Numbers in [0, 1) that are the same on each run (a linear congruential generator). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Noise that falls towards the top of the band as real recordings do, and whose level swings by 24 dB over four seconds. */
export function swellingNoise(sampleRateHz: number, seconds: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  let [before, last] = [0, 0];
  return Float32Array.from({ length: Math.round(seconds * sampleRateHz) }, (_, i) => {
    const swell = decibelsToAmplitude(-18 + 12 * Math.sin((2 * Math.PI * i) / sampleRateHz / 4));
    const white = 2 * random() - 1;
    const smooth = (before + 2 * last + white) / 4;
    [before, last] = [last, white];
    return swell * smooth;
  });
}

/** A bass, a chord and a beat twice a second, loud enough to bend in its tanh as mastered music does. */
export function musicLike(sampleRateHz: number, seconds: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const sine = (hz: number, time: number) => Math.sin(2 * Math.PI * hz * time);
  return Float32Array.from({ length: Math.round(seconds * sampleRateHz) }, (_, i) => {
    const time = i / sampleRateHz;
    const decay = Math.exp(-8 * ((time * 2) % 1));
    const chord = sine(220 + seed, time) + sine(277.2, time) + sine(329.6, time);
    return 0.9 * Math.tanh(0.5 * sine(55, time) + 0.2 * chord + decay * (sine(3_000, time) + 0.3 * random()));
  });
}

/** The same samples in blocks of 1 to `maxLength` samples, cut at random. */
export function* cutAtRandom(
  channels: readonly Float32Array[],
  maxLength: number,
  random: () => number,
): Generator<Float32Array[]> {
  const length = channels[0]?.length ?? 0;
  for (let start = 0; start < length;) {
    const end = start + 1 + Math.floor(random() * maxLength);
    yield channels.map((samples) => samples.subarray(start, end));
    start = end;
  }
}

import { kaiserBeta, kaiserSinc } from "./kaiser-sinc.ts";

const ATTENUATION_DB = 100;
/** Zero crossings of the sinc on each side. With 100 dB this makes the transition 10 % of the lower Nyquist frequency. */
const ZERO_CROSSINGS = 64;
/** The middle of that transition, so that nothing above the lower Nyquist frequency gets through. */
const CUTOFF = 0.95;
/**
 * At most so many fractions of a sample have taps of their own. Ratios with more are interpolated between two neighbours, which
 * errs by under -100 dB at this density and bounds the table's size.
 */
const MAX_PHASES = 512;

/** Changes the sample rate of one channel, over blocks of any size. */
export interface Resampler {
  /** The output that is complete with these samples, often less or more than their share. */
  push(samples: Float32Array): Float32Array;
  /** The rest. In all there are ceil(n · to / from) samples, the first at the time of the first input sample. */
  flush(): Float32Array;
}

/**
 * A polyphase resampler with a Kaiser-windowed sinc, for any two integer rates: flat to 0.01 dB up to 90 % of the lower Nyquist
 * frequency, 100 dB down above it. Memory is a table that the ratio bounds, and the last few hundred samples.
 */
export function createResampler(fromHz: number, toHz: number): Resampler {
  return fromHz === toHz ? IDENTITY : new PolyphaseResampler(fromHz, toHz);
}

const IDENTITY: Resampler = {
  push: (samples) => samples.slice(),
  flush: () => new Float32Array(0),
};

class PolyphaseResampler implements Resampler {
  /** Output k stands at input k · step / phases. */
  readonly #step: number;
  readonly #phases: number;
  readonly #filters: PhaseFilters;
  /** Input from the start of the next output's window on. Zeros stand for what comes before the first sample. */
  #window: Float32Array;
  /** Of the next output, in 1/phases of a sample from the window's centre. */
  #phase = 0;
  #received = 0;
  #produced = 0;

  constructor(fromHz: number, toHz: number) {
    const divisor = greatestCommonDivisor(fromHz, toHz);
    this.#step = fromHz / divisor;
    this.#phases = toHz / divisor;
    this.#filters = new PhaseFilters(fromHz, toHz, this.#phases);
    this.#window = new Float32Array(this.#filters.radius - 1);
  }

  push(samples: Float32Array): Float32Array {
    this.#received += samples.length;
    return this.#produce(samples, Number.POSITIVE_INFINITY);
  }

  flush(): Float32Array {
    const total = Math.ceil((this.#received * this.#phases) / this.#step);
    return this.#produce(new Float32Array(this.#filters.radius), total - this.#produced);
  }

  #produce(samples: Float32Array, limit: number): Float32Array {
    const input = concatenate(this.#window, samples);
    const output = new Float32Array(Math.min(limit, this.#countWithin(input.length)));
    let start = 0;
    for (let k = 0; k < output.length; k++) {
      output[k] = this.#filters.apply(input, start, this.#phase);
      this.#phase += this.#step;
      start += Math.floor(this.#phase / this.#phases);
      this.#phase %= this.#phases;
    }
    this.#produced += output.length;
    // A step is shorter than a window, so `start` is still inside.
    this.#window = input.slice(start);
    return output;
  }

  /** How many outputs have their whole window within `length` samples. */
  #countWithin(length: number): number {
    const lastStart = length - 2 * this.#filters.radius;
    if (lastStart < 0) return 0;
    return Math.floor(((lastStart + 1) * this.#phases - 1 - this.#phase) / this.#step) + 1;
  }
}

/** The kernel's taps at each fraction of a sample that an output can fall on, a row each. */
class PhaseFilters {
  /** Half a row: outputs see this many samples on each side. */
  readonly radius: number;
  readonly #rowsPerPhase: number;
  readonly #rows: readonly Float64Array[];

  constructor(fromHz: number, toHz: number, phases: number) {
    this.radius = Math.ceil(ZERO_CROSSINGS * Math.max(1, fromHz / toHz));
    const cutoff = (CUTOFF / 2) * Math.min(1, toHz / fromHz);
    const kernel = { radius: this.radius, cutoff, beta: kaiserBeta(ATTENUATION_DB) };
    const rows = Math.min(phases, MAX_PHASES);
    this.#rowsPerPhase = rows / phases;
    // One row more than fractions, as the upper neighbour of the last.
    this.#rows = Array.from({ length: rows + 1 }, (_, row) =>
      Float64Array.from({ length: 2 * this.radius }, (_, i) =>
        kaiserSinc(i - this.radius + 1 - row / rows, kernel),
      ),
    );
  }

  /** The output whose window begins at `start`, `phase` fractions of a sample behind the sample at its centre. */
  apply(input: Float32Array, start: number, phase: number): number {
    const position = phase * this.#rowsPerPhase;
    const row = Math.floor(position);
    const lower = dot(this.#taps(row), input, start);
    if (position === row) return lower;
    return lower + (position - row) * (dot(this.#taps(row + 1), input, start) - lower);
  }

  /** `row` is at most the number of fractions, so it exists. */
  #taps(row: number): Float64Array {
    return this.#rows[row] as Float64Array;
  }
}

function dot(taps: Float64Array, input: Float32Array, start: number): number {
  let sum = 0;
  for (let i = 0; i < taps.length; i++) sum += (taps[i] ?? 0) * (input[start + i] ?? 0);
  return sum;
}

function concatenate(first: Float32Array, second: Float32Array): Float32Array {
  const joined = new Float32Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

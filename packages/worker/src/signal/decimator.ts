import { kaiserBeta, kaiserSinc } from "./kaiser-sinc.ts";

const ATTENUATION_DB = 60;
/** Taps on each side, in output samples. */
const RADIUS = 8;
/** Of the output rate: the pass band ends a little below its Nyquist frequency. */
const CUTOFF = 0.42;

/** Keeps every `factor`-th sample of one channel behind a low pass, over blocks of any size: for analysis, not for listening. */
export class Decimator {
  readonly #factor: number;
  readonly #taps: Float64Array;
  #window: Float32Array;

  constructor(factor: number) {
    this.#factor = factor;
    const radius = RADIUS * factor;
    const kernel = { radius, cutoff: CUTOFF / factor, beta: kaiserBeta(ATTENUATION_DB) };
    this.#taps = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => kaiserSinc(i - radius, kernel));
    // Zeros before the first sample, so that output k stands at input k · factor.
    this.#window = new Float32Array(radius);
  }

  push(samples: Float32Array): Float32Array {
    if (this.#factor === 1) return samples;
    const input = new Float32Array(this.#window.length + samples.length);
    input.set(this.#window);
    input.set(samples, this.#window.length);
    const complete = Math.floor((input.length - this.#taps.length) / this.#factor) + 1;
    const output = new Float32Array(Math.max(0, complete));
    for (let k = 0; k < output.length; k++) output[k] = this.#filter(input, k * this.#factor);
    this.#window = input.slice(output.length * this.#factor);
    return output;
  }

  #filter(input: Float32Array, start: number): number {
    let sum = 0;
    for (let i = 0; i < this.#taps.length; i++) sum += at(this.#taps, i) * at(input, start + i);
    return sum;
  }
}

/** `index` is within the array: only complete windows are filtered. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}

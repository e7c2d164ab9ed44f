/** Points with real and imaginary parts in arrays of their own. */
interface Points {
  re: Float64Array;
  im: Float64Array;
}

/**
 * |X|² of real frames, without an allocation per frame. A frame is read as half as many complex points, transformed by a
 * radix-4 Stockham FFT (which sorts as it goes: no bit reversal), and unfolded into the spectrum of the real samples.
 */
export class PowerSpectrum {
  readonly #halfSize: number;
  readonly #twiddles: Points;
  readonly #unfolding: Points;
  #points: Points;
  #spare: Points;

  /** @param size Samples of a frame: 2·4^k, such as 512. */
  constructor(size: number) {
    this.#halfSize = size / 2;
    if (!isPowerOfFour(this.#halfSize)) throw new RangeError(`a frame of ${size} samples is not 2·4^k long`);
    this.#twiddles = rootsOfUnity(this.#halfSize, this.#halfSize);
    this.#unfolding = rootsOfUnity(size, this.#halfSize);
    this.#points = emptyPoints(this.#halfSize);
    this.#spare = emptyPoints(this.#halfSize);
  }

  /** Reads `size` samples of `frame` and writes the `size / 2 + 1` bins of `power`. */
  compute(frame: Float32Array, power: Float32Array): void {
    const { re, im } = this.#points;
    for (let i = 0; i < this.#halfSize; i++) {
      re[i] = at(frame, 2 * i);
      im[i] = at(frame, 2 * i + 1);
    }
    for (let stride = 1; stride < this.#halfSize; stride *= 4) {
      stage(this.#points, this.#spare, this.#twiddles, stride);
      [this.#points, this.#spare] = [this.#spare, this.#points];
    }
    unfold(this.#points, this.#unfolding, power);
  }
}

/** One radix-4 stage: transforms of `4·stride` points each from four of `stride` points. */
function stage(from: Points, to: Points, twiddles: Points, stride: number): void {
  const { re, im } = from;
  const quarter = re.length / 4;
  for (let group = 0; group < quarter; group += stride) {
    const re1 = at(twiddles.re, group);
    const im1 = at(twiddles.im, group);
    const re2 = re1 * re1 - im1 * im1;
    const im2 = 2 * re1 * im1;
    const re3 = re1 * re2 - im1 * im2;
    const im3 = re1 * im2 + im1 * re2;
    for (let a = group; a < group + stride; a++) {
      const b = a + quarter;
      const c = b + quarter;
      const d = c + quarter;
      const sumR = at(re, a) + at(re, c);
      const sumI = at(im, a) + at(im, c);
      const differenceR = at(re, a) - at(re, c);
      const differenceI = at(im, a) - at(im, c);
      const otherSumR = at(re, b) + at(re, d);
      const otherSumI = at(im, b) + at(im, d);
      const otherDifferenceR = at(re, b) - at(re, d);
      const otherDifferenceI = at(im, b) - at(im, d);
      const target = a + 3 * group;
      to.re[target] = sumR + otherSumR;
      to.im[target] = sumI + otherSumI;
      rotate(to, target + stride, differenceR + otherDifferenceI, differenceI - otherDifferenceR, re1, im1);
      rotate(to, target + 2 * stride, sumR - otherSumR, sumI - otherSumI, re2, im2);
      rotate(
        to,
        target + 3 * stride,
        differenceR - otherDifferenceI,
        differenceI + otherDifferenceR,
        re3,
        im3,
      );
    }
  }
}

/** Writes (re + i·im)·(byRe + i·byIm). */
function rotate(to: Points, index: number, re: number, im: number, byRe: number, byIm: number): void {
  to.re[index] = re * byRe - im * byIm;
  to.im[index] = re * byIm + im * byRe;
}

/**
 * The even samples sit in the real parts and the odd ones in the imaginary parts: X[k] = E[k] + exp(−2πik/size)·O[k], with
 * E[k] = (Z[k] + Z*[−k])/2 and O[k] = (Z[k] − Z*[−k])/2i.
 */
function unfold({ re, im }: Points, unfolding: Points, power: Float32Array): void {
  const halfSize = re.length;
  const sum = at(re, 0) + at(im, 0);
  const difference = at(re, 0) - at(im, 0);
  power[0] = sum * sum;
  power[halfSize] = difference * difference;
  for (let bin = 1; bin < halfSize; bin++) {
    const mirror = halfSize - bin;
    const evenR = (at(re, bin) + at(re, mirror)) / 2;
    const evenI = (at(im, bin) - at(im, mirror)) / 2;
    const oddR = (at(im, bin) + at(im, mirror)) / 2;
    const oddI = (at(re, mirror) - at(re, bin)) / 2;
    const rootR = at(unfolding.re, bin);
    const rootI = at(unfolding.im, bin);
    const real = evenR + rootR * oddR - rootI * oddI;
    const imaginary = evenI + rootR * oddI + rootI * oddR;
    power[bin] = real * real + imaginary * imaginary;
  }
}

/** exp(−2πik / order) for k below `count`. */
function rootsOfUnity(order: number, count: number): Points {
  const angleOf = (_: unknown, k: number) => (-2 * Math.PI * k) / order;
  const angles = Float64Array.from({ length: count }, angleOf);
  return { re: angles.map(Math.cos), im: angles.map(Math.sin) };
}

function emptyPoints(count: number): Points {
  return { re: new Float64Array(count), im: new Float64Array(count) };
}

function isPowerOfFour(count: number): boolean {
  return Number.isInteger(count) && count > 0 && Number.isInteger(Math.log2(count) / 2);
}

/** `index` is within the array: the loops above run over its length, and the frame's is the caller's to keep. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}

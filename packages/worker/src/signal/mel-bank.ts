/** Triangular filters over the bins of a power spectrum. Band `i` weighs `weights[i].length` bins from bin `starts[i]` on. */
export interface MelBank {
  starts: Int32Array;
  weights: readonly Float32Array[];
  /** The corners of the triangles: band `i` rises from `hz[i]` to `hz[i + 1]` and falls to `hz[i + 2]`. */
  hz: Float32Array;
}

export interface MelBankOptions {
  bands: number;
  /** Bins from 0 Hz to half the sample rate, both included. */
  bins: number;
  sampleRateHz: number;
  lowHz: number;
  highHz: number;
  /** Between neighbouring bins, where the last one is not at half the sample rate: of a transform of odd length. */
  binHz?: number;
}

/**
 * The filters of Essentia's `MelBands` with `warpingFormula=slaneyMel`, `weighting=linear`, `normalize=unit_tri`. Every step
 * is rounded to float32 as there: in doubles the corners drift by enough to move a log-mel value by 1e-3.
 */
export function createMelBank(options: MelBankOptions): MelBank {
  const hz = cornersHz(options);
  const binHz = options.binHz ?? f32(f32(options.sampleRateHz / 2) / (options.bins - 1));
  const bands = Array.from({ length: options.bands }, (_, band) =>
    triangle(hz.subarray(band, band + 3), binHz),
  );
  return {
    starts: Int32Array.from(bands, ({ start }) => start),
    weights: bands.map(({ weights }) => weights),
    hz,
  };
}

/** Writes to `out` what each band sums up of `power`. */
export function applyMelBank({ starts, weights }: MelBank, power: Float32Array, out: Float32Array): void {
  // All in one function, without `at`: of each sum on the way V8 would make an object on the heap else, 6 kB a frame.
  for (let band = 0; band < weights.length; band++) {
    const filter = weights[band] as Float32Array;
    const start = starts[band] as number;
    let sum = 0;
    for (let i = 0; i < filter.length; i++) sum += (filter[i] as number) * (power[start + i] as number);
    out[band] = sum;
  }
}

/** Slaney's scale: linear to 1 kHz (15 mel), logarithmic above it. */
const LINEAR_END_HZ = 1_000;
const MEL_PER_HZ = f32(3 / 200);
const LINEAR_END_MEL = f32(LINEAR_END_HZ * MEL_PER_HZ);
const LOG_STEP = f32(Math.log(6.4) / 27);

/** Equally spaced in mel. The reference adds the step up, rounding each time: the last corner is 7999.992 Hz. */
function cornersHz({ bands, lowHz, highHz }: MelBankOptions): Float32Array {
  const low = melOf(lowHz);
  const step = f32(f32(melOf(highHz) - low) / (bands + 1));
  let mel = low;
  return Float32Array.from({ length: bands + 2 }, () => {
    const corner = hzOf(mel);
    mel = f32(mel + step);
    return corner;
  });
}

/** The bins in [left, right), each with its height over the triangle's area. */
function triangle([left = 0, peak = 0, right = 0]: Float32Array, binHz: number) {
  const [start, end] = [Math.ceil(left / binHz), Math.ceil(right / binHz)];
  const [rise, fall] = [f32(peak - left), f32(right - peak)];
  const area = f32(f32(right - left) / 2);
  const weights = Float32Array.from({ length: end - start }, (_, i) => {
    const hz = f32((start + i) * binHz);
    const height = hz < peak ? f32(hz - left) / rise : f32(right - hz) / fall;
    return f32(height) / area;
  });
  return { start, weights };
}

function melOf(hz: number): number {
  if (hz < LINEAR_END_HZ) return f32(hz * MEL_PER_HZ);
  return f32(LINEAR_END_MEL + f32(f32(Math.log(f32(hz / LINEAR_END_HZ))) / LOG_STEP));
}

function hzOf(mel: number): number {
  if (mel < LINEAR_END_MEL) return f32(mel / MEL_PER_HZ);
  return f32(LINEAR_END_HZ * f32(Math.exp(f32(f32(mel - LINEAR_END_MEL) * LOG_STEP))));
}

function f32(value: number): number {
  return Math.fround(value);
}

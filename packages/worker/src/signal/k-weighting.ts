/** y[n] = b0·x[n] + b1·x[n-1] + b2·x[n-2] - a1·y[n-1] - a2·y[n-2], with a0 = 1. */
export interface Biquad {
  b0: number;
  b1: number;
  b2: number;
  a1: number;
  a2: number;
}

const PASS_THROUGH: Biquad = { b0: 1, b1: 0, b2: 0, a1: 0, a2: 0 };

/**
 * The two stages of K-weighting (ITU-R BS.1770-5, Annex 1) at any sample rate. BS.1770 gives coefficients for 48 kHz alone;
 * the analog parameters below, those of libebur128, give them back to twelve digits and work at other rates.
 */
export function kWeighting(sampleRateHz: number): { shelf: Biquad; highPass: Biquad } {
  return { shelf: headShelf(sampleRateHz), highPass: rlbHighPass(sampleRateHz) };
}

/** Stage 1, the head: about +4 dB above 1.7 kHz. */
function headShelf(sampleRateHz: number): Biquad {
  const cornerHz = 1681.974450955533;
  // A file this slow holds nothing that the shelf would raise, and the bilinear transform has no such corner.
  if (cornerHz >= sampleRateHz / 2) return PASS_THROUGH;
  const q = 0.7071752369554196;
  const high = 10 ** (3.999843853973347 / 20);
  const band = high ** 0.4996667741545416;
  const k = Math.tan((Math.PI * cornerHz) / sampleRateHz);
  const a0 = 1 + k / q + k * k;
  return {
    b0: (high + (band * k) / q + k * k) / a0,
    b1: (2 * (k * k - high)) / a0,
    b2: (high - (band * k) / q + k * k) / a0,
    a1: (2 * (k * k - 1)) / a0,
    a2: (1 - k / q + k * k) / a0,
  };
}

/** Stage 2, the "revised low-frequency B curve": a high pass at 38 Hz. Its numerator is not normalised, as in BS.1770. */
function rlbHighPass(sampleRateHz: number): Biquad {
  const q = 0.5003270373238773;
  // Under 85 Hz of sample rate the corner is out of reach; anything near the band's edge stays stable.
  const cornerHz = Math.min(38.13547087602444, 0.45 * sampleRateHz);
  const k = Math.tan((Math.PI * cornerHz) / sampleRateHz);
  const a0 = 1 + k / q + k * k;
  return { b0: 1, b1: -2, b2: 1, a1: (2 * (k * k - 1)) / a0, a2: (1 - k / q + k * k) / a0 };
}

/** The energy of one channel after K-weighting: add samples, then take the sum of squares since the last take. */
export class KWeightedEnergy {
  readonly #shelf: Biquad;
  readonly #highPass: Biquad;
  /** The two delays of each stage, in transposed direct form II. */
  readonly #delays = new Float64Array(4);
  #energy = 0;

  constructor(sampleRateHz: number) {
    const { shelf, highPass } = kWeighting(sampleRateHz);
    this.#shelf = shelf;
    this.#highPass = highPass;
  }

  add(samples: Float32Array): void {
    const { b0, b1, b2, a1, a2 } = this.#shelf;
    const { a1: c1, a2: c2 } = this.#highPass;
    let [s1 = 0, s2 = 0, h1 = 0, h2 = 0] = this.#delays;
    let energy = this.#energy;
    for (const x of samples) {
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      const z = y + h1;
      h1 = -2 * y - c1 * z + h2;
      h2 = y - c2 * z;
      energy += z * z;
    }
    this.#energy = energy;
    this.#delays.set([s1, s2, h1, h2]);
  }

  /** Call it at times that depend on the sample count alone, or the answer would depend on how the blocks were cut. */
  take(): number {
    const energy = this.#energy;
    this.#energy = 0;
    for (const [i, delay] of this.#delays.entries()) {
      // In digital silence the delays decay into subnormal numbers, which are many times slower; NaN must not stay either.
      if (!(Math.abs(delay) > 1e-30)) this.#delays[i] = 0;
    }
    return energy;
  }
}

import { PowerSpectrum } from "./fft.ts";
import { FrameCutter } from "./frame-cutter.ts";

const FRAME = 2_048;
const HOP = 2_048;
/** Frames quieter than this are silence: the level of a sine against full scale. */
const SILENT_DBFS = -70;

/** Where the middle of the spectrum lies, in Hz: bins weighed by their amplitude, the mean over all frames that are not silent. */
export class SpectralCentroid {
  readonly #binHz: number;
  readonly #cutter: FrameCutter;
  readonly #spectrum = new PowerSpectrum(FRAME);
  readonly #power = new Float32Array(FRAME / 2 + 1);
  #sum = 0;
  #frames = 0;

  constructor(sampleRateHz: number) {
    this.#binHz = sampleRateHz / FRAME;
    this.#cutter = new FrameCutter(FRAME, HOP, (frame) => this.#add(frame));
  }

  /** One channel. */
  push(samples: Float32Array): void {
    this.#cutter.push(samples);
  }

  /** Null where nothing but silence was heard. */
  finish(): number | null {
    return this.#frames === 0 ? null : this.#sum / this.#frames;
  }

  #add(frame: Float32Array): void {
    this.#spectrum.compute(frame, this.#power);
    let amplitudes = 0;
    let moments = 0;
    let power = 0;
    for (let bin = 0; bin < this.#power.length; bin++) {
      const amplitude = Math.sqrt(this.#power[bin] as number);
      amplitudes += amplitude;
      moments += amplitude * bin;
      power += this.#power[bin] as number;
    }
    // A sine of amplitude 1 under a Hann window has 3/32 · FRAME² in all its bins.
    const isHeard = power > (3 / 32) * FRAME ** 2 * 10 ** (SILENT_DBFS / 10);
    if (!isHeard || !Number.isFinite(power)) return;
    this.#sum += (moments / amplitudes) * this.#binHz;
    this.#frames += 1;
  }
}

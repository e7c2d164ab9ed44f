import { PowerSpectrum } from "./fft.ts";
import { FrameCutter } from "./frame-cutter.ts";

const FRAME = 512;
const HOP_SECONDS = 0.01;
const BANDS = 32;
const LOW_HZ = 30;
/** Amplitudes are compressed as log10(1 + 20·a): more would make a ghost note as strong as the beat. */
const COMPRESSION = 20;
/** A band is compared with the loudest of itself and its neighbours two frames ago, which ignores vibrato (Böck & Widmer, DAFx 2013). */
const LAG = 2;

/**
 * How strongly something begins, each 10 ms: the positive change of a log spectrum, summed over its bands ("SuperFlux", Böck & Widmer
 * 2013). Memory is one float a frame, 1.4 MB an hour.
 */
export class OnsetEnvelope {
  /** Frames a second: 100 but for rounding to whole samples. */
  readonly frameRateHz: number;
  /** Frame k stands for the sound around this plus k / frameRateHz. */
  readonly firstSeconds: number;
  readonly #cutter: FrameCutter;
  readonly #spectrum = new PowerSpectrum(FRAME);
  readonly #power = new Float32Array(FRAME / 2 + 1);
  readonly #edges: Int32Array;
  /** The last LAG + 1 spectra, in turn. */
  readonly #recent = Array.from({ length: LAG + 1 }, () => new Float32Array(BANDS));
  #values = new Float32Array(1_024);
  #frames = 0;

  /** @param sampleRateHz Of the mono samples, best between 16 and 32 kHz. */
  constructor(sampleRateHz: number) {
    const hop = Math.max(1, Math.round(sampleRateHz * HOP_SECONDS));
    this.frameRateHz = sampleRateHz / hop;
    // The newer of the two compared frames begins to see an onset when half a window has come.
    this.firstSeconds = FRAME / 2 / sampleRateHz;
    this.#edges = bandEdges(sampleRateHz);
    this.#cutter = new FrameCutter(FRAME, hop, (frame) => this.#add(frame));
  }

  push(samples: Float32Array): void {
    this.#cutter.push(samples);
  }

  finish(): Float32Array {
    return this.#values.slice(0, this.#frames);
  }

  #add(frame: Float32Array): void {
    this.#spectrum.compute(frame, this.#power);
    const bands = this.#recent[this.#frames % (LAG + 1)] as Float32Array;
    const before = this.#recent[(this.#frames + 1) % (LAG + 1)] as Float32Array;
    for (let band = 0; band < BANDS; band++) bands[band] = this.#level(band);
    let flux = 0;
    for (let band = 0; band < BANDS; band++) {
      const reference = Math.max(before[band - 1] ?? 0, before[band] ?? 0, before[band + 1] ?? 0);
      flux += Math.max(0, (bands[band] ?? 0) - reference);
    }
    if (this.#frames === this.#values.length) {
      const larger = new Float32Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    // Before LAG frames have come there is nothing to compare with.
    this.#values[this.#frames] = this.#frames < LAG || !Number.isFinite(flux) ? 0 : flux / BANDS;
    this.#frames += 1;
  }

  #level(band: number): number {
    const first = this.#edges[band] ?? 0;
    const end = this.#edges[band + 1] ?? 0;
    let sum = 0;
    for (let bin = first; bin < end; bin++) sum += this.#power[bin] ?? 0;
    // A full-scale sine has an amplitude of FRAME / 4 under a Hann window.
    return Math.log10(1 + (COMPRESSION * Math.sqrt(sum)) / (FRAME / 4));
  }
}

/** Bins at which bands begin, and the end of the last: spaced by logarithm, each at least one bin wide. */
function bandEdges(sampleRateHz: number): Int32Array {
  const bins = FRAME / 2 + 1;
  const lowBin = Math.max(1, (LOW_HZ * FRAME) / sampleRateHz);
  const edges = new Int32Array(BANDS + 1);
  for (let band = 0; band <= BANDS; band++) {
    const wanted = Math.round(lowBin * (bins / lowBin) ** (band / BANDS));
    const least = band === 0 ? 1 : (edges[band - 1] ?? 0) + 1;
    edges[band] = Math.max(least, wanted);
  }
  edges[BANDS] = bins;
  return edges;
}

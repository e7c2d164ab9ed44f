import { amplitudeToDecibels } from "./decibels.ts";
import {
  INTERPOLATOR_TAPS,
  largestInterpolated,
  largestMagnitude,
  MIDDLE_PHASES,
  OUTER_PHASES,
} from "./true-peak-interpolator.ts";
import type { MirroredPhases } from "./true-peak-interpolator.ts";

/** Samples that are copied behind the end of the last block at a time. */
const CHUNK = 4096;
/** Samples that are skipped or interpolated together. */
const STRETCH = 64;
const CARRIED = INTERPOLATOR_TAPS - 1;

/**
 * The true peak over all channels by ITU-R BS.1770-5 Annex 2: the largest of the samples and of the values interpolated
 * between them. The two ends of the audio are not taken for steps from and to silence: only whole windows are interpolated.
 */
export class TruePeakMeter {
  readonly #phases: readonly MirroredPhases[];
  /** For each channel the end of the last block, then a chunk of this one. */
  readonly #windows: readonly Float32Array[];
  #carried = 0;
  #peak = 0;

  constructor(sampleRateHz: number, channels: number) {
    this.#phases = phasesAt(sampleRateHz);
    this.#windows = Array.from({ length: channels }, () => new Float32Array(CARRIED + CHUNK));
  }

  /** `channels`: one array a channel, all of one length. */
  push(channels: readonly Float32Array[]): void {
    const length = channels[0]?.length ?? 0;
    for (let start = 0; start < length; start += CHUNK) {
      const end = Math.min(length, start + CHUNK);
      this.#measure(channels.map((samples) => samples.subarray(start, end)));
    }
  }

  /** dBTP, or null when every sample is zero. */
  peakDbtp(): number | null {
    return this.#peak === 0 ? null : amplitudeToDecibels(this.#peak);
  }

  #measure(chunks: readonly Float32Array[]): void {
    const filled = this.#carried + (chunks[0]?.length ?? 0);
    const carried = Math.min(CARRIED, filled);
    for (const [index, window] of this.#windows.entries()) {
      window.set(chunks[index] ?? [], this.#carried);
      this.#raise(largestMagnitude(window, this.#carried, filled));
      this.#interpolate(window, filled - CARRIED);
      window.copyWithin(0, filled - carried, filled);
    }
    this.#carried = carried;
  }

  /** Passes over the stretches that are too quiet to hold a new peak, whatever their phase. */
  #interpolate(window: Float32Array, count: number): void {
    if (this.#phases.length === 0) return;
    for (let start = 0; start < count; start += STRETCH) {
      const end = Math.min(count, start + STRETCH);
      const loudest = largestMagnitude(window, start, end + CARRIED);
      for (const phases of this.#phases) {
        if (loudest * phases.maxGain > this.#peak)
          this.#raise(largestInterpolated(phases, window, start, end));
      }
    }
  }

  #raise(magnitude: number): void {
    if (magnitude > this.#peak) this.#peak = magnitude;
  }
}

/**
 * All four phases below 96 kHz. From there on twice the rate is enough (Annex 2): the samples and the two middle phases, which
 * leave no gap over 3/8 of a sample. From 192 kHz the samples alone.
 */
function phasesAt(sampleRateHz: number): readonly MirroredPhases[] {
  if (sampleRateHz >= 192_000) return [];
  return sampleRateHz >= 96_000 ? [MIDDLE_PHASES] : [MIDDLE_PHASES, OUTER_PHASES];
}

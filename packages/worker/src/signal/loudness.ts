import { integratedLoudness, loudnessRange } from "./loudness-gating.ts";
import { KWeightedEnergy } from "./k-weighting.ts";

interface Channel {
  weight: number;
  weighted: KWeightedEnergy;
}

/**
 * Loudness by ITU-R BS.1770-5 and EBU R 128, over blocks of any size.
 *
 * It keeps one number for each 100 ms, from which everything is computed at the end: 1.2 MB for 4 h.
 */
export class LoudnessMeter {
  readonly #sampleRateHz: number;
  readonly #channels: readonly Channel[];
  /** Weighted mean square of each complete 100 ms. */
  readonly #slotPowers: number[] = [];
  /** Samples since the start of the open slot. */
  #filled = 0;
  #slotLength: number;

  /** `channelWeights`: one for each channel, see channel-weights.ts. */
  constructor(sampleRateHz: number, channelWeights: readonly number[]) {
    this.#sampleRateHz = sampleRateHz;
    this.#channels = channelWeights.map((weight) => ({
      weight,
      weighted: new KWeightedEnergy(sampleRateHz),
    }));
    this.#slotLength = this.#lengthOfSlot(0);
  }

  /** `channels`: one array a channel, all of one length. */
  push(channels: readonly Float32Array[]): void {
    const length = channels[0]?.length ?? 0;
    for (let start = 0; start < length;) {
      const end = Math.min(length, start + this.#slotLength - this.#filled);
      this.#fill(channels, start, end);
      if (this.#filled === this.#slotLength) this.#closeSlot();
      start = end;
    }
  }

  /** LUFS, or null when it is undefined: silence, or less than 400 ms. */
  integratedLufs(): number | null {
    return integratedLoudness(this.#slotPowers);
  }

  /** LU, or null when it is undefined: silence, or less than 3 s. */
  rangeLu(): number | null {
    return loudnessRange(this.#slotPowers);
  }

  #fill(channels: readonly Float32Array[], start: number, end: number): void {
    for (const [index, { weight, weighted }] of this.#channels.entries()) {
      const samples = channels[index];
      if (weight > 0 && samples) weighted.add(samples.subarray(start, end));
    }
    this.#filled += end - start;
  }

  #closeSlot(): void {
    const energy = this.#channels.reduce((sum, { weight, weighted }) => sum + weight * weighted.take(), 0);
    this.#slotPowers.push(energy / this.#slotLength);
    this.#filled = 0;
    this.#slotLength = this.#lengthOfSlot(this.#slotPowers.length);
  }

  /** At rates that ten doesn't divide, slots differ by a sample so that they don't drift from the clock. */
  #lengthOfSlot(slot: number): number {
    const endOf = (index: number) => Math.round((index * this.#sampleRateHz) / 10);
    return endOf(slot + 1) - endOf(slot);
  }
}

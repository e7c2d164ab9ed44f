import { AppError } from "@earshot/shared/domain/errors";
import { blockFrames } from "./audio.ts";
import type { AudioBlock } from "./audio.ts";

const SAMPLE_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** IEEE 754, 32 bits: all ones in an infinity and in what is not a number, and in nothing else. */
const EXPONENT = 0x7f80_0000;

/** Turns a pipe's bytes (interleaved float32 of this machine's byte order, cut anywhere) into blocks of equal length. */
export class BlockAssembler {
  readonly #channels: number;
  readonly #bytes: Uint8Array;
  #filled = 0;
  #frames = 0;

  constructor(format: { channels: number; sampleRateHz: number }) {
    this.#channels = format.channels;
    this.#bytes = new Uint8Array(blockFrames(format) * format.channels * SAMPLE_BYTES);
  }

  /** Frames (samples of one channel) in the blocks handed out so far. */
  get frames(): number {
    return this.#frames;
  }

  /** @throws AppError `decode_failed` on a sample that is not a finite number. */
  *push(chunk: Uint8Array): Generator<AudioBlock> {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = rest.subarray(0, this.#bytes.length - this.#filled);
      this.#bytes.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === this.#bytes.length) yield this.#take();
    }
  }

  /** What is left at the end, in whole frames. */
  *flush(): Generator<AudioBlock> {
    if (this.#filled >= this.#channels * SAMPLE_BYTES) yield this.#take();
  }

  #take(): AudioBlock {
    const frames = Math.floor(this.#filled / (this.#channels * SAMPLE_BYTES));
    const samples = new Float32Array(this.#bytes.buffer, 0, frames * this.#channels);
    const channels = Array.from({ length: this.#channels }, (_, channel) =>
      everyNth(samples, channel, this.#channels),
    );
    this.#filled = 0;
    this.#frames += frames;
    assertFinite(channels);
    return { channels };
  }
}

/** @throws AppError `decode_failed`: a NaN would pass through a model unseen and make its scores nonsense. */
export function assertFinite(channels: readonly Float32Array[]): void {
  for (const { buffer, byteOffset, length } of channels) {
    // As whole numbers: of a float that is carried from one to the next V8 makes an object on the heap, each time.
    const bits = new Int32Array(buffer, byteOffset, length);
    for (let i = 0; i < length; i++) {
      if (((bits[i] as number) & EXPONENT) !== EXPONENT) continue;
      throw new AppError("decode_failed", { detail: { decoder: "A sample is not a finite number." } });
    }
  }
}

function everyNth(samples: Float32Array, first: number, step: number): Float32Array {
  if (step === 1) return samples.slice();
  const picked = new Float32Array(samples.length / step);
  for (let from = first, to = 0; to < picked.length; from += step, to += 1) picked[to] = samples[from] ?? 0;
  return picked;
}

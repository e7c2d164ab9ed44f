/** Cuts samples into overlapping chunks of one length, over blocks of any size. */
export class ChunkCutter {
  readonly #hop: number;
  readonly #samples: Float32Array;
  #filled = 0;
  #chunks = 0;

  constructor(size: number, hop: number) {
    this.#hop = hop;
    this.#samples = new Float32Array(size);
  }

  /** The chunks that these samples have filled, to keep. */
  *push(samples: Float32Array): Generator<Float32Array> {
    for (let taken = 0; taken < samples.length;) {
      const part = samples.subarray(taken, taken + this.#samples.length - this.#filled);
      this.#samples.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === this.#samples.length) yield this.#cut();
    }
  }

  /** What no chunk has held yet, behind its overlap and before zeros; null when there is nothing. */
  rest(): Float32Array | null {
    const overlap = this.#chunks === 0 ? 0 : this.#samples.length - this.#hop;
    if (this.#filled <= overlap) return null;
    this.#samples.fill(0, this.#filled);
    return this.#cut();
  }

  #cut(): Float32Array {
    const chunk = this.#samples.slice();
    this.#samples.copyWithin(0, this.#hop);
    this.#filled = this.#samples.length - this.#hop;
    this.#chunks += 1;
    return chunk;
  }
}

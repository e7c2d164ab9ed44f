/** Cuts samples into overlapping frames under a Hann window, over blocks of any size. A last frame that does not fill is dropped. */
export class FrameCutter {
  readonly #hop: number;
  readonly #window: Float32Array;
  readonly #samples: Float32Array;
  readonly #frame: Float32Array;
  readonly #onFrame: (frame: Float32Array) => void;
  #filled = 0;

  /** @param onFrame Takes each windowed frame in turn. The array is used again for the next one. */
  constructor(size: number, hop: number, onFrame: (frame: Float32Array) => void) {
    this.#hop = hop;
    this.#onFrame = onFrame;
    this.#samples = new Float32Array(size);
    this.#frame = new Float32Array(size);
    this.#window = Float32Array.from(
      { length: size },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size),
    );
  }

  push(samples: Float32Array): void {
    for (let taken = 0; taken < samples.length;) {
      const part = samples.subarray(taken, taken + this.#samples.length - this.#filled);
      this.#samples.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === this.#samples.length) this.#advance();
    }
  }

  #advance(): void {
    for (let i = 0; i < this.#frame.length; i++) this.#frame[i] = at(this.#samples, i) * at(this.#window, i);
    this.#onFrame(this.#frame);
    this.#samples.copyWithin(0, this.#hop);
    this.#filled = this.#samples.length - this.#hop;
  }
}

/** `index` is within the array: the loop runs over its length. */
function at(values: Float32Array, index: number): number {
  return values[index] as number;
}

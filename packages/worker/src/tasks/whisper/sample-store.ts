/** The latest samples of a stream, by their place in it. What is dropped is gone. */
export class SampleStore {
  #samples = new Float32Array(1 << 16);
  /** The place of the first that is kept. */
  #first = 0;
  #length = 0;

  push(samples: Float32Array): void {
    if (this.#length + samples.length > this.#samples.length) {
      const larger = new Float32Array(2 * (this.#length + samples.length));
      larger.set(this.#samples.subarray(0, this.#length));
      this.#samples = larger;
    }
    this.#samples.set(samples, this.#length);
    this.#length += samples.length;
  }

  /** A copy of [start, end). @throws RangeError when a part of it is not there. */
  read(start: number, end: number): Float32Array {
    if (start < this.#first || end > this.#first + this.#length)
      throw new RangeError(`samples ${start} to ${end} are not kept`);
    return this.#samples.slice(start - this.#first, end - this.#first);
  }

  dropBefore(place: number): void {
    const dropped = Math.min(this.#length, place - this.#first);
    if (dropped <= 0) return;
    this.#samples.copyWithin(0, dropped, this.#length);
    this.#first += dropped;
    this.#length -= dropped;
  }
}

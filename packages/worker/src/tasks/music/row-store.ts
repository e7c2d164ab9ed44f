/** Seventeen days of patches: address space that is set aside, not memory. */
const MOST_ROWS = 2 ** 20;
const ROWS_AT_ONCE = 1_024;

/** Rows of one width, written in any order. They stay where they are as more come: no copy of them is ever made. */
export class RowStore {
  readonly #width: number;
  readonly #buffer: ArrayBuffer;
  readonly #values: Float32Array;

  constructor(width: number) {
    const maxByteLength = MOST_ROWS * width * Float32Array.BYTES_PER_ELEMENT;
    this.#width = width;
    this.#buffer = new ArrayBuffer(0, { maxByteLength });
    this.#values = new Float32Array(this.#buffer);
  }

  /** Copies them out of the memory that they came in. @throws RangeError when there are too many rows. */
  set(row: number, values: Float32Array): void {
    if ((row + 1) * this.#width > this.#values.length) this.#resize(row + ROWS_AT_ONCE);
    this.#values.set(values, row * this.#width);
  }

  /** The first `rows` rows. */
  take(rows: number): Float32Array {
    this.#resize(rows);
    return this.#values;
  }

  #resize(rows: number): void {
    this.#buffer.resize(rows * this.#width * Float32Array.BYTES_PER_ELEMENT);
  }
}

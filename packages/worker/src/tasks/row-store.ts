type Rows = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** Seventeen days of patches: address space that is set aside, not memory. */
const MOST_ROWS = 2 ** 20;
const ROWS_AT_ONCE = 1_024;

/** Rows of one width, written in any order. They stay where they are as more come: no copy of them is ever made. */
export class RowStore<Kind extends Rows = Float32Array<ArrayBuffer>> {
  readonly #width: number;
  readonly #buffer: ArrayBuffer;
  readonly #values: Kind;

  /** @param kind Of its values. */
  constructor(width: number, kind: new (buffer: ArrayBuffer) => Kind) {
    const rowBytes = width * kind.prototype.BYTES_PER_ELEMENT;
    this.#width = width;
    this.#buffer = new ArrayBuffer(0, { maxByteLength: MOST_ROWS * rowBytes });
    this.#values = new kind(this.#buffer);
  }

  /** Copies them out of the memory that they came in. @throws RangeError when there are too many rows. */
  set(row: number, values: ArrayLike<number>): void {
    if ((row + 1) * this.#width > this.#values.length) this.#resize(row + ROWS_AT_ONCE);
    this.#values.set(values, row * this.#width);
  }

  /** The first `rows` rows. */
  take(rows: number): Kind {
    this.#resize(rows);
    return this.#values;
  }

  /** A copy of a row that was written. */
  copyOf(row: number): Kind {
    return this.#values.slice(row * this.#width, (row + 1) * this.#width) as Kind;
  }

  #resize(rows: number): void {
    this.#buffer.resize(rows * this.#width * this.#values.BYTES_PER_ELEMENT);
  }
}

type Numbers =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>;

const BYTES_AT_ONCE = 2 ** 16;
/** Address space that is set aside, not memory: 270 million floats. */
const MOST_BYTES = 2 ** 30;

/** Numbers of one kind, appended one by one. They stay where they are as more come: no copy of them is ever made. */
export class GrowingNumbers<Kind extends Numbers> {
  readonly values: Kind;
  readonly #buffer = new ArrayBuffer(0, { maxByteLength: MOST_BYTES });
  #length = 0;

  constructor(kind: new (buffer: ArrayBuffer) => Kind) {
    this.values = new kind(this.#buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** @throws RangeError when there are too many. */
  push(value: number): void {
    if (this.#length === this.values.length) this.#buffer.resize(this.#buffer.byteLength + BYTES_AT_ONCE);
    this.values[this.#length++] = value;
  }
}

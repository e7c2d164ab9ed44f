/** Rows are kept in blocks of so many: none is ever copied to make room, and little room is empty. */
const BLOCK_ROWS = 1_024;

/** Rows of one width, written in any order, as one array at the end. Answers are copied out of the memory that they came in. */
export class RowStore {
  readonly #width: number;
  readonly #blocks: Float32Array[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** @throws RangeError when the row is longer than the width. */
  set(row: number, values: Float32Array): void {
    const block = Math.floor(row / BLOCK_ROWS);
    while (this.#blocks.length <= block) this.#blocks.push(new Float32Array(BLOCK_ROWS * this.#width));
    this.#blocks[block]?.set(values, (row % BLOCK_ROWS) * this.#width);
  }

  /** The first `rows` rows. The blocks are given up one by one meanwhile: the store is empty then. */
  take(rows: number): Float32Array {
    const all = new Float32Array(rows * this.#width);
    for (let first = 0; first < all.length; first += BLOCK_ROWS * this.#width) {
      const block = this.#blocks.shift() ?? new Float32Array();
      all.set(block.subarray(0, all.length - first), first);
    }
    return all;
  }
}

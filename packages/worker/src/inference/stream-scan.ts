import type { ScanRequest } from "./inference.ts";

/** One stream among those that a lane steps through together. */
export class StreamScan {
  readonly steps: number;
  readonly outputs: Float32Array;
  /** After its last step. */
  state: Float32Array;
  readonly #rows: Float32Array;
  readonly #rowSize: number;
  readonly #outputSize: number;

  /** @throws Error when the values are not whole rows. */
  constructor({ rows, state }: ScanRequest, rowSize: number, outputSize: number) {
    this.steps = rows.length / rowSize;
    if (!Number.isInteger(this.steps)) throw new Error(`${rows.length} values are not rows of ${rowSize}`);
    this.outputs = new Float32Array(this.steps * outputSize);
    this.state = state;
    this.#rows = rows;
    this.#rowSize = rowSize;
    this.#outputSize = outputSize;
  }

  /** Its row of this step, as number `index` of the model's input. */
  fill(step: number, input: Float32Array, index: number): void {
    if (step >= this.steps) return;
    const size = this.#rowSize;
    input.set(this.#rows.subarray(step * size, (step + 1) * size), index * size);
  }

  /** Number `index` of the model's output, as this step's. */
  keep(step: number, output: Float32Array, index: number): void {
    if (step >= this.steps) return;
    const size = this.#outputSize;
    this.outputs.set(output.subarray(index * size, (index + 1) * size), step * size);
  }
}

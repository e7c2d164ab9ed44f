import type { Tensor } from "../../inference/inference.ts";

const MEDIAN_FRAMES = 7;
/** Of the encoder. */
const FRAME_SECONDS = 0.02;

/**
 * Where each token begins, in seconds, by what the alignment heads look at ([heads, tokens, frames]), as Whisper's reference finds
 * it: each frame's weights standardised over the tokens, a median over 7 frames, the mean of the heads, and the cheapest way
 * through it that never goes back.
 */
export function tokenStarts({ data, dims }: Tensor): number[] {
  const [heads = 0, tokens = 0, frames = 0] = dims;
  if (heads === 0 || tokens === 0 || frames === 0) return [];
  const mean = new Float64Array(tokens * frames);
  for (let head = 0; head < heads; head++) {
    const one = data.slice(head * tokens * frames, (head + 1) * tokens * frames);
    standardise(one, tokens, frames);
    for (let token = 0; token < tokens; token++) {
      const row = medianFiltered(one.subarray(token * frames, (token + 1) * frames));
      for (const [frame, value] of row.entries())
        mean[token * frames + frame] = at(mean, token * frames + frame) + value / heads;
    }
  }
  return cheapestPath(mean, tokens, frames).map((frame) => frame * FRAME_SECONDS);
}

/** In place, each column by its own mean and deviation. */
function standardise(values: Float32Array, rows: number, columns: number): void {
  for (let column = 0; column < columns; column++) {
    let [sum, squares] = [0, 0];
    for (let row = 0; row < rows; row++) sum += at(values, row * columns + column);
    const mean = sum / rows;
    for (let row = 0; row < rows; row++) squares += (at(values, row * columns + column) - mean) ** 2;
    const deviation = Math.sqrt(squares / rows);
    for (let row = 0; row < rows; row++) {
      const index = row * columns + column;
      values[index] = deviation === 0 ? 0 : (at(values, index) - mean) / deviation;
    }
  }
}

/** Mirrored at its ends. */
function medianFiltered(row: Float32Array): number[] {
  const half = MEDIAN_FRAMES >> 1;
  if (row.length <= half) return [...row];
  const mirrored = (index: number) => {
    const inside = Math.abs(index);
    return at(row, inside < row.length ? inside : 2 * (row.length - 1) - inside);
  };
  return Array.from(row, (_, i) => {
    const around = Array.from({ length: MEDIAN_FRAMES }, (_value, offset) => mirrored(i + offset - half));
    return around.toSorted((a, b) => a - b)[half] ?? 0;
  });
}

/** Dynamic time warping of −values: the first frame of each row on the cheapest way from the first cell to the last. */
function cheapestPath(values: Float64Array, rows: number, columns: number): number[] {
  const width = columns + 1;
  const cost = new Float64Array((rows + 1) * width).fill(Infinity);
  const step = new Uint8Array((rows + 1) * width);
  cost[0] = 0;
  for (let column = 1; column <= columns; column++) {
    for (let row = 1; row <= rows; row++) {
      const both = at(cost, (row - 1) * width + column - 1);
      const down = at(cost, (row - 1) * width + column);
      const across = at(cost, row * width + column - 1);
      const least = Math.min(both, down, across);
      step[row * width + column] = whichOf(least, both, down);
      cost[row * width + column] = least - at(values, (row - 1) * columns + column - 1);
    }
  }
  const starts = Array.from({ length: rows }, () => 0);
  let [row, column] = [rows, columns];
  while (row > 0 && column > 0) {
    starts[row - 1] = column - 1;
    const taken = step[row * width + column];
    if (taken !== ACROSS) row -= 1;
    if (taken !== DOWN) column -= 1;
  }
  return starts;
}

const [BOTH, DOWN, ACROSS] = [0, 1, 2];

function whichOf(least: number, both: number, down: number): number {
  if (least === both) return BOTH;
  return least === down ? DOWN : ACROSS;
}

/** `index` is within the array: the loops run over its length. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}

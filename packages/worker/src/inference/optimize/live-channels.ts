/** What values a number may take. */
export interface Range {
  low: number;
  high: number;
}

/** One channel of `scale · relu(bias + Σ weights · inputs) + shift`: a convolution, ReLU and batch normalisation. */
export interface Channel {
  weights: Float32Array;
  bias: number;
  scale: number;
  shift: number;
}

/** What a channel may answer whatever its inputs are, each anywhere in `input`. Zeros of the padding are in there. */
export function rangeOf({ weights, bias, scale, shift }: Channel, input: Range): Range {
  let [low, high] = [bias, bias];
  for (const weight of weights) {
    low += weight * (weight > 0 ? input.low : input.high);
    high += weight * (weight > 0 ? input.high : input.low);
  }
  const ends = [low, high].map((value) => scale * Math.max(0, value) + shift);
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

export function middleOf({ low, high }: Range): number {
  return (low + high) / 2;
}

/**
 * No sound can move such a channel by more than this, so it is a constant. Of MusiCNN's channels the liveliest constant one
 * and the most sluggish live one are six orders of magnitude apart.
 */
const LARGEST_STIR = 1e-6;

export function isConstant({ low, high }: Range): boolean {
  return high - low <= LARGEST_STIR;
}

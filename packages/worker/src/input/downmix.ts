const HALF_POWER = Math.SQRT1_2;

/**
 * How much each loudspeaker counts in mono, by its bit in a WAVE channel mask: ffmpeg's defaults (swresample's
 * rematrix.c: centre 1, front and rear centre and front-of-centre −3 dB, surrounds −6 dB, no LFE).
 */
const SPEAKER_WEIGHTS = [
  HALF_POWER, // front left
  HALF_POWER, // front right
  1, // front centre
  0, // LFE
  0.5, // back left
  0.5, // back right
  HALF_POWER, // front left of centre
  HALF_POWER, // front right of centre
  HALF_POWER, // back centre
  0.5, // side left
  0.5, // side right
];

/** What ffmpeg takes a file for that names no loudspeakers, by its number of channels. */
const DEFAULT_MASKS: Readonly<Record<number, number>> = {
  1: 0x4,
  2: 0x3,
  3: 0xb,
  4: 0x107,
  5: 0x37,
  6: 0x3f,
  7: 0x70f,
  8: 0x63f,
};

/** Weights of the channels in mono, which sum to 1, so that full scale stays full scale. Unknown layouts give the mean. */
export function monoWeights(channels: number, channelMask: number): number[] {
  const mask = channelMask === 0 ? (DEFAULT_MASKS[channels] ?? 0) : channelMask;
  const speakers = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (mask >>> bit) & 1);
  const weights = speakers.map((speaker) => SPEAKER_WEIGHTS[speaker] ?? 0);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (weights.length !== channels || sum === 0) return Array<number>(channels).fill(1 / channels);
  return weights.map((weight) => weight / sum);
}

export function downmix(channels: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const [first = new Float32Array()] = channels;
  if (channels.length === 1) return first;
  const mono = new Float32Array(first.length);
  for (const [index, samples] of channels.entries()) addScaled(mono, samples, weights[index] ?? 0);
  return mono;
}

function addScaled(sum: Float32Array, samples: Float32Array, weight: number): void {
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + (samples[i] ?? 0) * weight;
}

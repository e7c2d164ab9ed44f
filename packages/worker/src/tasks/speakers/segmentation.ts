/**
 * What pyannote's segmentation-3.0 says of 10 s at 16 kHz: of each of 589 frames, which of three speakers are heard, two at
 * most. Who is the first, second or third speaker of a window means nothing in the next one.
 */
export const SEGMENTATION = {
  sampleRateHz: 16_000,
  windowSamples: 160_000,
  frames: 589,
  /** From one frame to the next: 16.875 ms. */
  frameSamples: 270,
  /** Samples that a frame is computed from: the first one's middle is at half of them. */
  receptiveFieldSamples: 991,
  speakers: 3,
} as const;

/** From one window to the next, so that the frames of all windows lie on one grid: 2.7 s. */
export const HOP_FRAMES = 160;
export const HOP_SAMPLES = HOP_FRAMES * SEGMENTATION.frameSamples;

/** Who is heard in a frame: bits 0 to 2 the three speakers, bits 3 and 4 whose voice is the surest (1 to 3; 0 nobody). */
export type FrameCode = number;

/** The classes of the model in order, as bits: nobody, each speaker, each pair. */
const CLASSES: readonly number[] = [0b000, 0b001, 0b010, 0b100, 0b011, 0b101, 0b110];

/** @param logits Row-major [589, 7], up to a constant a frame the logarithms of probabilities. @returns FrameCodes. */
export function decodePowerset(logits: Float32Array): Uint8Array {
  const codes = new Uint8Array(SEGMENTATION.frames);
  for (let frame = 0; frame < codes.length; frame++) {
    codes[frame] = codeOf(logits.subarray(frame * CLASSES.length, (frame + 1) * CLASSES.length));
  }
  return codes;
}

export function isHeard(code: FrameCode, speaker: number): boolean {
  return ((code >> speaker) & 1) === 1;
}

/** -1: nobody. */
export function surestOf(code: FrameCode): number {
  return (code >> SEGMENTATION.speakers) - 1;
}

export function countHeard(code: FrameCode): number {
  return (code & 1) + ((code >> 1) & 1) + ((code >> 2) & 1);
}

/** Where frame `index` begins: half a step before its middle. In samples. */
export function frameStart(index: number): number {
  const { frameSamples, receptiveFieldSamples } = SEGMENTATION;
  return index === 0 ? 0 : index * frameSamples + (receptiveFieldSamples - frameSamples) / 2;
}

/** Frames of the whole grid whose middle lies within so many samples. */
export function framesWithin(samples: number): number {
  const { frameSamples, receptiveFieldSamples } = SEGMENTATION;
  return Math.max(0, Math.ceil((samples - receptiveFieldSamples / 2) / frameSamples));
}

/** The frame that the sample lies in, of one window. */
export function frameAt(sample: number): number {
  const { frameSamples, receptiveFieldSamples, frames } = SEGMENTATION;
  const frame = Math.round((sample - receptiveFieldSamples / 2) / frameSamples);
  return Math.min(frames - 1, Math.max(0, frame));
}

function codeOf(logits: Float32Array): FrameCode {
  const largest = Math.max(...logits);
  const heard = CLASSES[logits.indexOf(largest)] ?? 0;
  if (heard === 0) return 0;
  const probabilities = [0, 1, 2].map((speaker) =>
    CLASSES.reduce(
      (sum, members, index) =>
        isHeard(members & heard, speaker) ? sum + Math.exp((logits[index] ?? 0) - largest) : sum,
      0,
    ),
  );
  return heard | ((probabilities.indexOf(Math.max(...probabilities)) + 1) << SEGMENTATION.speakers);
}

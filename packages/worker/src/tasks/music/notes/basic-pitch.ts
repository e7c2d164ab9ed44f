/**
 * Facts of the published Basic Pitch model (Bittner et al., ICASSP 2022; github.com/spotify/basic-pitch). It reads windows
 * of two seconds less one hop and says of each of its frames how sure it is of 88 keys and of 264 thirds of a semitone.
 */
export const BASIC_PITCH = {
  model: "basic_pitch_nmp",
  sampleRateHz: 22_050,
  windowSamples: 43_844,
  windowFrames: 172,
  frameSamples: 256,
  /** Dropped at each edge of a window, where the model hears too little on one side. */
  edgeFrames: 15,
  input: "serving_default_input_2:0",
  /** Which output is which the tensors' names do not say: the first by its number is the contour, then notes, then onsets. */
  outputs: {
    contour: "StatefulPartitionedCall:0",
    frame: "StatefulPartitionedCall:1",
    onset: "StatefulPartitionedCall:2",
  },
} as const;

/** The keys of a piano. */
export const KEYS = 88;
/** The MIDI number of the lowest, 27.5 Hz. */
export const LOWEST_MIDI = 21;
export const CONTOUR_BINS = 3 * KEYS;

export const EDGE_SAMPLES = BASIC_PITCH.edgeFrames * BASIC_PITCH.frameSamples;
/** Windows overlap by their edges: each brings the frames between them. */
export const HOP_SAMPLES = BASIC_PITCH.windowSamples - 2 * EDGE_SAMPLES;
export const FRAMES_PER_HOP = BASIC_PITCH.windowFrames - 2 * BASIC_PITCH.edgeFrames;

/**
 * Seconds at which a frame begins, as published (`model_frames_to_time`): a window of 172 frames is a bit shorter than 172
 * hops, which is made up for at every 172nd frame, with the published 1.8 ms. Windows bring 142 frames, so single frames are
 * up to 10 ms off, and none more than that however long the audio is.
 */
export function frameSeconds(frame: number): number {
  const { frameSamples, sampleRateHz, windowFrames, windowSamples } = BASIC_PITCH;
  const excess = (frameSamples / sampleRateHz) * (windowFrames - windowSamples / frameSamples) + 0.0018;
  return (frame * frameSamples) / sampleRateHz - excess * Math.floor(frame / windowFrames);
}

/**
 * Frames that begin within so many samples. The published script counts 86 a second where there are 86.58, and so loses the
 * last 0.7 % of the audio; here its end is kept.
 */
export function framesIn(samples: number): number {
  const rest = Math.ceil((samples % HOP_SAMPLES) / BASIC_PITCH.frameSamples);
  return Math.floor(samples / HOP_SAMPLES) * FRAMES_PER_HOP + Math.min(FRAMES_PER_HOP, rest);
}

/** Frames of a length in seconds, as the published script rounds them: 127.7 ms are 11. */
export function framesOf(seconds: number): number {
  return Math.round((seconds * BASIC_PITCH.sampleRateHz) / BASIC_PITCH.frameSamples);
}

/** The first key that is not below a frequency, as published: rounded to the nearest one. */
export function keyOf(hz: number): number {
  return Math.round(12 * Math.log2(hz / 440) + 69) - LOWEST_MIDI;
}

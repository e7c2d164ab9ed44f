import { fbankFrames, KALDI_FBANK, KaldiFbank, subtractBandMeans } from "../../signal/kaldi-fbank.ts";
import { countHeard, frameAt, isHeard, SEGMENTATION } from "./segmentation.ts";

/** The input of the voice model: 3 s of frames, whatever a speaker said in the window, so that all calls can share runs. */
export const VOICE_FRAMES = 300;

const { bands, hopSamples, frameSamples } = KALDI_FBANK;
/** With less than this nothing can be said of a voice: 0.1 s. */
const LEAST_ROWS = 10;
const ROWS = fbankFrames(SEGMENTATION.windowSamples);
/** The frame of the segmentation in which the middle of each row lies. */
const FRAME_OF_ROW = Int32Array.from({ length: ROWS }, (_, row) =>
  frameAt(row * hopSamples + frameSamples / 2),
);

export interface VoiceRows {
  /** Row-major [VOICE_FRAMES, 80], without its mean. */
  feats: Float32Array;
  /** Of speech that nobody else speaks into. */
  cleanSeconds: number;
}

/**
 * What the voice model is to hear of one speaker of a window: the frames in which nobody else is heard, or, where there are
 * none, all of theirs. Too many are cut at both ends, too few repeated.
 * @returns null when the speaker is hardly heard.
 */
export function voiceRows(window: Float32Array, codes: Uint8Array, speaker: number): VoiceRows | null {
  const heard: number[] = [];
  const clean: number[] = [];
  for (const [row, frame] of FRAME_OF_ROW.entries()) {
    const code = codes[frame] ?? 0;
    if (!isHeard(code, speaker)) continue;
    heard.push(row);
    if (countHeard(code) === 1) clean.push(row);
  }
  const rows = clean.length < LEAST_ROWS ? heard : clean;
  if (rows.length < LEAST_ROWS) return null;
  const first = Math.max(0, Math.floor((rows.length - VOICE_FRAMES) / 2));
  const feats = featsOf(window, rows.slice(first, first + VOICE_FRAMES));
  return { feats, cleanSeconds: (clean.length * hopSamples) / KALDI_FBANK.sampleRateHz };
}

function featsOf(window: Float32Array, rows: readonly number[]): Float32Array {
  const fbank = new KaldiFbank();
  const feats = new Float32Array(VOICE_FRAMES * bands);
  for (const [index, row] of rows.entries()) {
    fbank.compute(window, row, feats.subarray(index * bands, (index + 1) * bands));
  }
  for (let index = rows.length; index < VOICE_FRAMES; index++) {
    feats.copyWithin(index * bands, (index - rows.length) * bands, (index - rows.length + 1) * bands);
  }
  subtractBandMeans(feats);
  return feats;
}

import { createMelBank } from "../../../signal/mel-bank.ts";
import { GERMAN_BAND, WORD_BANDS, WORD_FRAMES } from "./scripted-graphs.ts";

const SAMPLE_RATE_HZ = 16_000;
const WORD_SECONDS = WORD_FRAMES * 0.02;

const { hz } = createMelBank({ bands: 80, bins: 201, sampleRateHz: SAMPLE_RATE_HZ, lowHz: 0, highHz: 8_000 });
const toneHz = (band: number) => hz[band + 1] ?? 0;

export interface Utterance {
  /** Seconds. */
  at: number;
  /** Numbers of words of the scripted vocabulary. */
  words: readonly number[];
}

/** 16 kHz samples in which the scripted Whisper hears these words, each 0.4 s of a tone, and the language where it is German. */
export function say(
  seconds: number,
  utterances: readonly Utterance[],
  { german = false } = {},
): Float32Array {
  const samples = new Float32Array(Math.round(seconds * SAMPLE_RATE_HZ));
  for (const { at, words } of utterances) {
    for (const [i, word] of words.entries())
      add(samples, toneHz(WORD_BANDS[word] ?? 0), at + i * WORD_SECONDS);
    if (german) add(samples, toneHz(GERMAN_BAND), at, words.length * WORD_SECONDS);
  }
  return samples;
}

function add(samples: Float32Array, toneHertz: number, at: number, seconds = WORD_SECONDS): void {
  const first = Math.round(at * SAMPLE_RATE_HZ);
  const end = Math.min(samples.length, first + Math.round(seconds * SAMPLE_RATE_HZ));
  for (let i = first; i < end; i++)
    samples[i] = (samples[i] ?? 0) + 0.3 * Math.sin((2 * Math.PI * toneHertz * i) / SAMPLE_RATE_HZ);
}

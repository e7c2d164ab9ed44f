import { seededRandom } from "../../../signal/test-signals.ts";

export const RATE_HZ = 16_000;

/** Eight voices that are tones with a vibrato of 8 %, far enough apart that no two share a mel band. */
export const VOICES_HZ = [300, 440, 640, 930, 1_350, 1_970, 2_870, 4_200] as const;
export const VIBRATO = 0.08;
const VIBRATO_HZ = 3;

/** Somebody speaks from `start` to `end`, in seconds. `speaker` is a name or, in a script, an index of VOICES_HZ. */
export interface Turn<Speaker = string> {
  start: number;
  end: number;
  speaker: Speaker;
}

/** A script as audio: each turn its voice, over a floor of noise at -66 dB. */
export function speak(script: readonly Turn<number>[], seconds: number): Float32Array {
  const random = seededRandom(7);
  const samples = Float32Array.from({ length: Math.round(seconds * RATE_HZ) }, () => 1e-3 * (random() - 0.5));
  for (const { start, end, speaker } of script) {
    const hz = VOICES_HZ[speaker] ?? NaN;
    let phase = 0;
    for (let i = Math.round(start * RATE_HZ); i < Math.min(samples.length, Math.round(end * RATE_HZ)); i++) {
      const vibrato = 1 + VIBRATO * Math.sin((2 * Math.PI * VIBRATO_HZ * i) / RATE_HZ);
      phase += (2 * Math.PI * hz * vibrato) / RATE_HZ;
      samples[i] = (samples[i] ?? 0) + 0.3 * Math.sin(phase);
    }
  }
  return samples;
}

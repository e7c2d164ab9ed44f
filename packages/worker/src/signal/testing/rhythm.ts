import { seededRandom } from "../test-signals.ts";

const CLICK_SECONDS = 0.03;

export interface ClickTrack {
  sampleRateHz: number;
  seconds: number;
  /** Where a click stands, in seconds. */
  beats: readonly number[];
  /** Softer clicks between the beats, at this fraction of the way to the next: 0.5 straight, 0.667 a triplet's swing. */
  offbeatAt?: number;
  /** Peak of white noise under it. */
  noise?: number;
}

/** Decaying 1 kHz clicks: a rhythm of which everything is known. */
export function clickTrack({ sampleRateHz, seconds, beats, offbeatAt, noise = 0 }: ClickTrack): Float32Array {
  const random = seededRandom(7);
  const samples = Float32Array.from(
    { length: Math.round(seconds * sampleRateHz) },
    () => noise * (2 * random() - 1),
  );
  const click = (at: number, amplitude: number) => {
    const first = Math.round(at * sampleRateHz);
    const end = Math.min(samples.length, first + CLICK_SECONDS * sampleRateHz);
    for (let i = first; i < end; i++) {
      const time = (i - first) / sampleRateHz;
      samples[i] =
        (samples[i] ?? 0) + amplitude * Math.sin(2 * Math.PI * 1_000 * time) * Math.exp(-200 * time);
    }
  };
  for (const [index, beat] of beats.entries()) {
    click(beat, 0.8);
    const next = beats[index + 1];
    if (offbeatAt !== undefined && next !== undefined) click(beat + offbeatAt * (next - beat), 0.35);
  }
  return samples;
}

/** @param drift Share by which the period swings, over half a minute. */
export function beatsAt(bpm: number, seconds: number, drift = 0): number[] {
  const beats: number[] = [];
  for (let time = 0.5; time < seconds - 0.1; time += (60 / bpm) * (1 + drift * Math.sin(time / 5)))
    beats.push(time);
  return beats;
}

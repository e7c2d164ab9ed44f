import { readFileSync } from "node:fs";
import { seededRandom } from "../../../signal/test-signals.ts";
import { goldenSamples } from "../../../signal/testing/musicnn-golden.ts";
import type { MoodHead } from "../mood-heads.ts";

/** Sounds that somebody who listens would put on one side of a head without thinking. 16 kHz. */
export const PROBES = {
  /** Four on the floor, distorted, 124 beats a minute. */
  house: () => goldenSamples("house_124"),
  /** A man's voice of espeak. */
  speech: () => spokenSamples().subarray(16_000, 87_000),
  sungNote,
  aria,
  vamp,
  sine: () => generate(6, (time) => 0.3 * wave(440, time)),
} as const satisfies Record<string, () => Float32Array>;

export type Probe = keyof typeof PROBES;

/** For each head a probe on either side. */
export const EXPECTED_SIDES: Readonly<Record<MoodHead, Readonly<Record<string, Probe>>>> = {
  danceability: { danceable: "house", not_danceable: "sungNote" },
  gender: { female: "aria", male: "speech" },
  mood_aggressive: { aggressive: "house", not_aggressive: "sungNote" },
  mood_happy: { happy: "vamp", non_happy: "house" },
  mood_party: { party: "house", non_party: "sine" },
  mood_relaxed: { relaxed: "sungNote", non_relaxed: "house" },
  mood_sad: { sad: "sungNote", non_sad: "house" },
  tonal_atonal: { tonal: "sungNote", atonal: "house" },
  voice_instrumental: { voice: "speech", instrumental: "vamp" },
};

/** One long note with vibrato and six partials, like somebody who hums. */
function sungNote(): Float32Array {
  const partials = [1, 0.7, 0.5, 0.4, 0.3, 0.2];
  return generate(8, (time) => {
    const phase = 2 * Math.PI * 220 * time + 3 * wave(5.5, time);
    return 0.25 * sum(partials.map((weight, i) => weight * Math.sin((i + 1) * phase)));
  });
}

/** A slow melody with vibrato and the formants of an open vowel, around 500 Hz. */
function aria(): Float32Array {
  const melody = [69, 72, 71, 69, 76, 74, 72, 71];
  const partials = Array.from({ length: 15 }, (_, i) => i + 1);
  return generate(10, (time) => {
    const hz = hzOf(melody[Math.floor(time * 0.8) % melody.length]);
    const phase = 2 * Math.PI * hz * time + 4 * wave(5.5, time);
    return 0.2 * sum(partials.map((n) => vowel(hz * n, n) * Math.sin(n * phase)));
  });
}

function vowel(hz: number, partial: number): number {
  const formant = (centreHz: number, widthHz: number) => Math.exp(-(((hz - centreHz) / widthHz) ** 2));
  return formant(700, 300) + 0.6 * formant(1_100, 300) + 0.5 * formant(2_900, 500) + 0.1 / partial;
}

/** Short major chords four times a second over a bass and a beat. */
function vamp(): Float32Array {
  const random = seededRandom(1);
  const chords = [
    [60, 64, 67],
    [65, 69, 72],
    [67, 71, 74],
    [60, 64, 67],
  ] as const;
  const partials = [1, 0.7, 0.5, 0.4, 0.3];
  return generate(8, (time) => {
    const chord = chords[Math.floor(time) % 4] ?? chords[0];
    const tones = chord.map((note) =>
      sum(partials.map((weight, i) => weight * wave(hzOf(note) * (i + 1), time))),
    );
    const stab = 0.15 * sum(tones) * Math.exp(-9 * (((time * 4) % 1) / 4));
    const beat = 0.2 * (2 * random() - 1) * Math.exp(-30 * (((time * 2) % 1) / 2));
    return stab + beat + 0.3 * wave(hzOf(chord[0] - 24), time);
  });
}

function spokenSamples(): Float32Array {
  const bytes = readFileSync(new URL("../../golden/vad_speech.input16k.f32", import.meta.url));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function generate(seconds: number, sampleAt: (time: number) => number): Float32Array {
  return Float32Array.from({ length: seconds * 16_000 }, (_, i) => sampleAt(i / 16_000));
}

function wave(hz: number, time: number): number {
  return Math.sin(2 * Math.PI * hz * time);
}

/** Of a MIDI note. */
function hzOf(note = 69): number {
  return 440 * 2 ** ((note - 69) / 12);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

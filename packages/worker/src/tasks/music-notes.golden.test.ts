import { readFileSync } from "node:fs";
import { TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import { seededRandom } from "../signal/test-signals.ts";
import { BASIC_PITCH, frameSeconds } from "./music/notes/basic-pitch.ts";
import { musicNotes } from "./music-notes.ts";
import { hear } from "./testing/hear.ts";

interface Played {
  start: number;
  seconds: number;
  pitch: number;
  peak: number;
  /** Semitones that the pitch rises over the note. */
  glide: number;
}

interface Note {
  start: number;
  end: number;
  pitch: number;
  velocity: number;
  amplitude: number;
  pitch_bends?: number[];
}

/** Made by the published package, from the same notes; see its `source`. */
const GOLDEN = JSON.parse(readFileSync(new URL("golden/notes.json", import.meta.url), "utf8")) as {
  notes: Played[];
  seconds: number;
  frame_times: Record<string, number>;
  frames: { frame: number; note: number[]; onset: number[] }[];
  cases: Record<string, (Omit<Note, "velocity"> & { bends: number[] })[]>;
};
const RATE = BASIC_PITCH.sampleRateHz;
/** Four harmonics with a short attack and a decay. */
function play(notes: readonly Played[], seconds: number): Float32Array {
  const samples = new Float64Array(Math.round(seconds * RATE));
  for (const note of notes) {
    const first = Math.round(note.start * RATE);
    const hz = 440 * 2 ** ((note.pitch - 69) / 12);
    const octaves = note.glide / 12;
    for (let i = 0; i < Math.round(note.seconds * RATE); i++) {
      const time = i / RATE;
      const share = time / note.seconds;
      const cycles =
        octaves === 0 ? hz * time : (hz * note.seconds * (2 ** (share * octaves) - 1)) / (octaves * Math.LN2);
      const envelope =
        Math.min(1, time / 0.008) * Math.min(1, (note.seconds - time) / 0.02) * Math.exp(-1.2 * time);
      let sum = 0;
      for (const harmonic of [1, 2, 3, 4]) sum += Math.sin(2 * Math.PI * harmonic * cycles) / harmonic ** 1.5;
      samples[first + i] = (samples[first + i] ?? 0) + note.peak * envelope * sum;
    }
  }
  return Float32Array.from(samples);
}

const plain = (pitch: number, start: number, seconds: number): Played => ({
  start,
  seconds,
  pitch,
  peak: 0.25,
  glide: 0,
});

let lanes: Lanes;
beforeAll(async () => {
  const modelsDir = process.env["EARSHOT_MODELS_DIR"];
  if (modelsDir === undefined) throw new Error("EARSHOT_MODELS_DIR does not say where the weights are");
  const registry = createRegistry({ modelsDir });
  lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry, log: silentLog });
});
afterAll(() => lanes?.close());

async function transcribe(samples: Float32Array, options: object = {}, blockSamples = 11_025) {
  const parsed = TASKS["music.notes"].options.parse(options);
  const heard = { inference: lanes, sampleRateHz: RATE, blockSamples };
  const output = await hear((context) => musicNotes.start(parsed, context), samples, heard);
  return output as unknown as { note_count: number; notes: Note[] };
}

describe("against the published package", () => {
  const audio = play(GOLDEN.notes, GOLDEN.seconds);

  test.each([
    ["published", {}],
    ["loose", { onset_threshold: 0.3, frame_threshold: 0.15, min_note_seconds: 5 * (256 / RATE) }],
    ["strict", { onset_threshold: 0.7, frame_threshold: 0.5 }],
    ["no_melodia", { without_onset: false, frame_threshold: 0.2 }],
    ["range", { min_hz: 100, max_hz: 500 }],
  ])("the same notes, their loudness and their bends: %s", async (name, options) => {
    const expected = GOLDEN.cases[name] ?? [];
    const { notes, note_count: count } = await transcribe(audio, { ...options, pitch_bends: true }, 7_001);
    expect(notes.map(({ start, end, pitch }) => ({ start, end, pitch }))).toEqual(
      expected.map(({ start, end, pitch }) => ({
        start: Math.round(start * 1e3) / 1e3,
        end: Math.round(end * 1e3) / 1e3,
        pitch,
      })),
    );
    expect(count).toBe(expected.length);
    for (const [i, note] of notes.entries()) {
      expect(Math.abs(note.amplitude - (expected[i]?.amplitude ?? NaN))).toBeLessThan(2e-4);
      expect(Math.abs(note.velocity - 127 * (expected[i]?.amplitude ?? NaN))).toBeLessThan(0.53);
      // The published ones count from a key's lowest bin, a third of a semitone below its middle.
      expect(note.pitch_bends).toEqual(expected[i]?.bends.map((bend) => bend - 1));
    }
  });

  test("frames have the published times", () => {
    for (const [frame, seconds] of Object.entries(GOLDEN.frame_times))
      expect(frameSeconds(Number(frame))).toBeCloseTo(seconds, 5);
  });

  test("which outputs are onsets and which are notes: onsets are over while the tone goes on", async () => {
    const { signal } = new AbortController();
    const data = play([plain(60, 0.5, 1.2)], 2).subarray(0, BASIC_PITCH.windowSamples);
    const feeds = { [BASIC_PITCH.input]: { data, dims: [1, data.length, 1] } };
    const found = await lanes.run(BASIC_PITCH.model, feeds, signal);
    const at = (output: string, seconds: number) =>
      found[output]?.data[Math.round((seconds * RATE) / 256) * 88 + 60 - 21] ?? NaN;
    expect(at(BASIC_PITCH.outputs.onset, 0.5)).toBeGreaterThan(0.5);
    expect(at(BASIC_PITCH.outputs.onset, 1.1)).toBeLessThan(0.1);
    expect(at(BASIC_PITCH.outputs.frame, 1.1)).toBeGreaterThan(0.5);
  });
});

describe("against what was played", () => {
  /** An onset within 50 ms and the same key: what transcriptions are judged by (mir_eval). */
  const found = (notes: readonly Note[], { pitch, start }: Played) =>
    notes.filter((note) => note.pitch === pitch && Math.abs(note.start - start) < 0.05);

  test("a scale over five octaves: every note once, where it was played, as long as it was", async () => {
    const played = Array.from({ length: 22 }, (_, i) => plain(36 + 3 * i, 0.2 + 0.5 * i, 0.4));
    const { notes } = await transcribe(play(played, 11.5));
    for (const note of played) {
      const [match, ...others] = found(notes, note);
      expect(others).toEqual([]);
      expect(match?.end).toBeGreaterThan(note.start + 0.3);
      expect(match?.end).toBeLessThan(note.start + 0.55);
    }
    // What is found besides are harmonics, which sound with the note.
    const harmonics = new Set([12, 19, 24]);
    const strays = notes.filter((note) => !played.some((one) => found([note], one).length > 0));
    for (const stray of strays)
      expect(
        played.some(
          (one) => Math.abs(one.start - stray.start) < 0.3 && harmonics.has(stray.pitch - one.pitch),
        ),
      ).toBe(true);
  });

  test("the notes of a chord each, louder ones louder", async () => {
    const chord = [48, 55, 64, 71].map((pitch) => plain(pitch, 1, 1.5));
    const { notes } = await transcribe(play(chord, 3));
    for (const note of chord) expect(found(notes, note)).toHaveLength(1);
  });

  test("long audio: onsets in its last tenth are where they were, and its very end is not lost", async () => {
    // 80 s: the published script counts 86 frames a second and loses the last half second.
    const played = [plain(60, 30, 0.5), plain(67, 75, 0.5), plain(64, 79.5, 0.45)];
    const { notes } = await transcribe(play(played, 80));
    for (const note of played) {
      const [match] = found(notes, note);
      expect(Math.abs((match?.start ?? NaN) - note.start)).toBeLessThan(0.03);
    }
  });

  test("a tone in tune has no bend, one a third of a semitone sharp has one, a glide has many", async () => {
    const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
    const bendsOf = async (note: Played) => {
      const { notes } = await transcribe(play([note], 2.5), { pitch_bends: true });
      return notes
        .filter(({ pitch }) => Math.abs(pitch - note.pitch) < 1)
        .flatMap((one) => one.pitch_bends ?? []);
    };
    for (const pitch of [45, 60, 69, 81]) {
      expect(median(await bendsOf(plain(pitch, 0.5, 1)))).toBe(0);
      expect(median(await bendsOf(plain(pitch + 1 / 3, 0.5, 1)))).toBe(1);
      expect(median(await bendsOf(plain(pitch - 1 / 3, 0.5, 1)))).toBe(-1);
    }
    const glide = await bendsOf({ ...plain(57, 0.5, 1.5), glide: 1 });
    expect(Math.max(...glide) - Math.min(...glide)).toBeGreaterThanOrEqual(1);
  });

  test("silence and noise have no notes", async () => {
    const random = seededRandom(3);
    expect(await transcribe(new Float32Array(5 * RATE))).toMatchObject({ note_count: 0, notes: [] });
    const noise = Float32Array.from({ length: 5 * RATE }, () => 0.3 * (random() - 0.5));
    expect((await transcribe(noise)).note_count).toBeLessThan(3);
  });
});

import { expect, test } from "vitest";
import { seededRandom } from "../../../signal/test-signals.ts";
import { CONTOUR_BINS, framesIn, FRAMES_PER_HOP, HOP_SAMPLES, KEYS, LOWEST_MIDI } from "./basic-pitch.ts";
import { noteEvents } from "./note-events.ts";
import type { FrameNote, NoteRules } from "./note-events.ts";
import { SoundingRuns } from "./sounding-runs.ts";

const RULES: NoteRules = { onsetThreshold: 0.5, frameThreshold: 0.3, minFrames: 11, withoutOnset: true };
const NO_CONTOUR = new Float32Array(CONTOUR_BINS);

/** Row-major [frames, 88]. */
interface Posteriorgram {
  frames: number;
  onset: Float32Array;
  frame: Float32Array;
}

/** Few keys that start, swell, break off and start anew side by side, so that their notes get in each other's way. */
function randomPosteriorgram(seed: number, frames: number): Posteriorgram {
  const random = seededRandom(seed);
  const [onset, frame] = [new Float32Array(frames * KEYS), new Float32Array(frames * KEYS)];
  for (const key of [0, 1, 2, 40, 41, 42, 43, 86, 87]) {
    let level = 0;
    for (let t = 0; t < frames; t++) {
      if (random() < 0.05) level = random() < 0.6 ? 0 : random();
      frame[t * KEYS + key] = Math.max(0, Math.min(1, level + 0.25 * (random() - 0.5)));
      onset[t * KEYS + key] = random() < 0.06 ? random() : 0.1 * random();
    }
  }
  // Equal heights, of which the first counts.
  for (let i = 0; i < frame.length; i += 7) frame[i] = Math.round(10 * (frame[i] ?? 0)) / 10;
  return { frames, onset, frame };
}

/** The published algorithm step by step over the whole matrix, energies and all. */
function direct({ frames, onset, frame }: Posteriorgram, rules: NoteRules): Omit<FrameNote, "bends">[] {
  const at = (matrix: ArrayLike<number>, t: number, key: number) => matrix[t * KEYS + key] ?? 0;
  const rise = Float64Array.from(onset, (_, i) =>
    i < 2 * KEYS
      ? 0
      : Math.max(
          0,
          Math.min((frame[i] ?? 0) - (frame[i - KEYS] ?? 0), (frame[i] ?? 0) - (frame[i - 2 * KEYS] ?? 0)),
        ),
  );
  const [highestOnset, highestRise] = [Math.max(...onset), Math.max(...rise)];
  const height = Float64Array.from(onset, (value, i) =>
    Math.max(value, (highestOnset * (rise[i] ?? 0)) / highestRise),
  );
  const left = Float64Array.from(frame);
  const zero = (t: number, keys: number[]) => {
    for (const key of keys) if (key >= 0 && key < KEYS) left[t * KEYS + key] = 0;
  };
  const notes: Omit<FrameNote, "bends">[] = [];
  const add = (startFrame: number, endFrame: number, key: number) => {
    if (endFrame - startFrame <= rules.minFrames) return;
    let sum = 0;
    for (let t = startFrame; t < endFrame; t++) sum += at(frame, t, key);
    notes.push({ startFrame, endFrame, midi: key + LOWEST_MIDI, amplitude: sum / (endFrame - startFrame) });
  };
  for (let start = frames - 2; start > 0; start--) {
    for (let key = KEYS - 1; key >= 0; key--) {
      const peak = at(height, start, key);
      if (peak < rules.onsetThreshold) continue;
      if (peak <= at(height, start - 1, key) || peak <= at(height, start + 1, key)) continue;
      let [t, silent] = [start + 1, 0];
      for (; t < frames - 1 && silent < 11; t++)
        silent = at(left, t, key) < rules.frameThreshold ? silent + 1 : 0;
      t -= silent;
      if (t - start <= rules.minFrames) continue;
      for (let i = start; i < t; i++) zero(i, [key - 1, key, key + 1]);
      add(start, t, key);
    }
  }
  while (rules.withoutOnset) {
    const top = left.reduce((best, value, i) => (value > (left[best] ?? 0) ? i : best), 0);
    if ((left[top] ?? 0) <= rules.frameThreshold) break;
    const [middle, key] = [Math.floor(top / KEYS), top % KEYS];
    left[top] = 0;
    const walk = (step: 1 | -1, limit: number) => {
      let [t, silent] = [middle + step, 0];
      for (; (limit - t) * step > 0 && silent < 11; t += step) {
        silent = at(left, t, key) < rules.frameThreshold ? silent + 1 : 0;
        zero(t, [key - 1, key, key + 1]);
      }
      return { t, silent };
    };
    const ahead = walk(1, frames - 1);
    const back = walk(-1, 0);
    add(back.t + 1 + back.silent, ahead.t - 1 - ahead.silent, key);
  }
  return notes;
}

function streamed({ frames, onset, frame }: Posteriorgram, rules: NoteRules) {
  const runs = new SoundingRuns({ ...rules, lowestKey: 0, endKey: KEYS, withBends: false });
  for (let t = 0; t < frames; t++) {
    const [from, to] = [t * KEYS, (t + 1) * KEYS];
    runs.push({ onset: onset.subarray(from, to), frame: frame.subarray(from, to), contour: NO_CONTOUR });
  }
  runs.finish();
  return { notes: noteEvents(runs, rules), cells: runs.values.length };
}

test("the notes are those of the algorithm over the whole matrix, in the same order, though little of it is kept", () => {
  let found = 0;
  for (let seed = 1; seed <= 24; seed++) {
    const matrix = randomPosteriorgram(seed, 150 + seed);
    const rules = {
      onsetThreshold: [0.5, 0.3, 0.8][seed % 3] ?? 0,
      frameThreshold: [0.3, 0.45, 0.15, 0.6][seed % 4] ?? 0,
      minFrames: [11, 3, 1][seed % 3] ?? 0,
      withoutOnset: seed % 5 !== 0,
    };
    const expected = direct(matrix, rules);
    const { notes } = streamed(matrix, rules);
    expect(notes).toEqual(
      expected.map((note) => ({
        ...note,
        amplitude: expect.closeTo(note.amplitude, 6) as number,
        bends: new Int8Array(),
      })),
    );
    found += notes.length;
  }
  expect(found).toBeGreaterThan(200);
});

test("what is kept is what sounds: of three minutes in which four keys sound a third of the time 150 kB", () => {
  const frames = 180 * 86;
  const runs = new SoundingRuns({ ...RULES, lowestKey: 0, endKey: KEYS, withBends: true });
  const frame = new Float32Array(KEYS);
  const onset = new Float32Array(KEYS);
  for (let t = 0; t < frames; t++) {
    const sounds = t % 90 < 30;
    for (const key of [20, 24, 27, 32]) {
      frame[key] = sounds ? 0.8 : 0.02;
      onset[key] = t % 90 === 0 ? 0.9 : 0.01;
    }
    runs.push({ onset, frame, contour: NO_CONTOUR });
  }
  runs.finish();
  expect(noteEvents(runs, RULES)).toHaveLength(4 * Math.ceil(frames / 90));
  const kept = runs.values.length * 5 + runs.keys.length * 12 + runs.onsetCells.length * 16;
  expect(kept).toBeLessThan(150_000);
});

test("silence has no notes, however long", () => {
  const matrix = { frames: 40, onset: new Float32Array(40 * KEYS), frame: new Float32Array(40 * KEYS) };
  expect(streamed(matrix, RULES)).toEqual({ notes: [], cells: 0 });
});

test("frames are counted to the last sample that there is", () => {
  expect([0, 1, 256, 257].map(framesIn)).toEqual([0, 1, 1, 2]);
  expect(framesIn(HOP_SAMPLES)).toBe(FRAMES_PER_HOP);
  expect(framesIn(HOP_SAMPLES + 1)).toBe(FRAMES_PER_HOP + 1);
});

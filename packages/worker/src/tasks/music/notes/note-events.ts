import { KEYS, LOWEST_MIDI } from "./basic-pitch.ts";
import { SILENT_FRAMES } from "./sounding-runs.ts";
import type { Sensitivity, SoundingRuns } from "./sounding-runs.ts";

export interface NoteRules extends Pick<Sensitivity, "onsetThreshold" | "frameThreshold"> {
  /** A note must be longer than this. */
  minFrames: number;
  /** Whether energy that no onset accounts for becomes notes too, the strongest first ("melodia trick"). */
  withoutOnset: boolean;
}

export interface FrameNote {
  startFrame: number;
  endFrame: number;
  midi: number;
  /** The mean of its frames, 0 to 1. */
  amplitude: number;
  /** By frame, in thirds of a semitone; none unless they were kept. */
  bends: Int8Array;
}

/**
 * Notes as the published script makes them (`output_to_notes_polyphonic`): from each onset, the latest first, until its key
 * is silent, which takes the energy of the keys beside it; then of what is left, the strongest first, both ways.
 */
export function noteEvents(runs: SoundingRuns, rules: NoteRules): FrameNote[] {
  const remaining = new Remaining(runs, rules.frameThreshold);
  const notes: FrameNote[] = [];
  const last = runs.frames - 1;

  for (const [frame, key] of onsetsOf(runs, rules.onsetThreshold).toReversed()) {
    if (frame >= last) continue;
    const { stop, silent } = remaining.walk(key, frame + 1, 1, last);
    const end = stop - silent;
    if (end - frame <= rules.minFrames) continue;
    for (const beside of [key - 1, key, key + 1]) remaining.take(beside, frame, end);
    notes.push(remaining.noteOf(key, frame, end));
  }

  if (!rules.withoutOnset) return notes;
  for (const cell of remaining.strongestFirst()) {
    const [frame, key] = [Math.floor(cell / KEYS), cell % KEYS];
    if (!remaining.sounds(key, frame)) continue;
    const ahead = remaining.walk(key, frame + 1, 1, last);
    const back = remaining.walk(key, frame - 1, -1, 0);
    remaining.take(key, frame, frame + 1);
    for (const beside of [key - 1, key, key + 1]) {
      remaining.take(beside, back.stop + 1, frame);
      remaining.take(beside, frame + 1, ahead.stop);
    }
    const [start, end] = [back.stop + 1 + back.silent, ahead.stop - 1 - ahead.silent];
    if (end - start > rules.minFrames) notes.push(remaining.noteOf(key, start, end));
  }
  return notes;
}

/** [frame, key] where the model's onset or the scaled rise is over the threshold and above the frames before and after. */
function onsetsOf(runs: SoundingRuns, threshold: number): [number, number][] {
  const { onsetCells, onsets, rises, highestOnset, highestRise, frames } = runs;
  const scaled = (i: number) =>
    highestRise === 0 ? 0 : (highestOnset * (rises.values[i] ?? 0)) / highestRise;
  const heights = new Map<number, number>();
  for (let i = 0; i < onsetCells.length; i++) {
    const height = Math.max(onsets.values[i] ?? 0, scaled(i));
    if (height >= threshold) heights.set(onsetCells.values[i] ?? 0, height);
  }
  // A neighbour that is not here is below the threshold.
  const isPeak = ([cell, height]: [number, number]) =>
    height > (heights.get(cell - KEYS) ?? 0) && height > (heights.get(cell + KEYS) ?? 0);
  return [...heights]
    .filter(isPeak)
    .map(([cell]): [number, number] => [Math.floor(cell / KEYS), cell % KEYS])
    .filter(([frame]) => frame > 0 && frame < frames - 1);
}

/** The energy that no note has taken yet. */
class Remaining {
  readonly #runs: SoundingRuns;
  readonly #threshold: number;
  readonly #taken: Uint8Array;
  /** By key, its runs in the order of time. */
  readonly #rows: number[][] = Array.from({ length: KEYS }, () => []);

  constructor(runs: SoundingRuns, threshold: number) {
    this.#runs = runs;
    this.#threshold = threshold;
    this.#taken = new Uint8Array(runs.values.length);
    for (let run = 0; run < runs.keys.length; run++) this.#rows[runs.keys.values[run] ?? 0]?.push(run);
  }

  sounds(key: number, frame: number): boolean {
    const run = this.#lastFrom(key, frame);
    if (run === undefined || frame >= this.#endOf(run)) return false;
    const cell = this.#cellOf(run, frame);
    return this.#taken[cell] === 0 && (this.#runs.values.values[cell] ?? 0) >= this.#threshold;
  }

  /** From `frame` on until the key was silent for 11 frames, or to `limit`. @returns where it stopped, and for how many it was. */
  walk(key: number, frame: number, step: 1 | -1, limit: number): { stop: number; silent: number } {
    let silent = 0;
    let at = frame;
    for (; (limit - at) * step > 0 && silent < SILENT_FRAMES; at += step)
      silent = this.sounds(key, at) ? 0 : silent + 1;
    return { stop: at, silent };
  }

  /** Of frames [start, end). */
  take(key: number, start: number, end: number): void {
    const row = this.#rows[key];
    if (row === undefined) return;
    for (let i = Math.max(0, this.#indexFrom(row, start)); i < row.length; i++) {
      const run = row[i] ?? 0;
      const runStart = this.#startOf(run);
      if (runStart >= end) return;
      const from = Math.max(start, runStart);
      const to = Math.min(end, this.#endOf(run));
      if (from < to) this.#taken.fill(1, this.#cellOf(run, from), this.#cellOf(run, to));
    }
  }

  noteOf(key: number, startFrame: number, endFrame: number): FrameNote {
    const { values, bends } = this.#runs;
    const run = this.#lastFrom(key, startFrame) ?? 0;
    const [from, to] = [this.#cellOf(run, startFrame), this.#cellOf(run, endFrame)];
    const sum = values.values.subarray(from, to).reduce((total, value) => total + value, 0);
    return {
      startFrame,
      endFrame,
      midi: key + LOWEST_MIDI,
      amplitude: sum / (to - from),
      bends: bends.length === 0 ? new Int8Array() : bends.values.slice(from, to),
    };
  }

  /** Row-major numbers of the cells above the threshold, the highest first, and of equal ones the first. */
  strongestFirst(): Uint32Array {
    const { keys, values } = this.#runs;
    // Sorted as 64-bit numbers: above the height, upside down (bits of positive floats are in the order of their values),
    // below the cell. That is one native sort, a hundred times as fast as with a comparison of ours.
    const sorted = new BigUint64Array(values.length);
    const words = new Uint32Array(sorted.buffer);
    const heights = new Uint32Array(values.values.buffer, 0, values.length);
    let count = 0;
    for (let run = 0; run < keys.length; run++) {
      const start = this.#startOf(run);
      const end = this.#endOf(run);
      for (let frame = start; frame < end; frame++) {
        const cell = this.#cellOf(run, frame);
        if ((values.values[cell] ?? 0) <= this.#threshold) continue;
        words[2 * count] = frame * KEYS + (keys.values[run] ?? 0);
        words[2 * count + 1] = ~(heights[cell] ?? 0);
        count += 1;
      }
    }
    sorted.subarray(0, count).sort();
    return words.subarray(0, 2 * count).filter((_, i) => i % 2 === 0);
  }

  /** The last run of a key that begins at or before `frame`. */
  #lastFrom(key: number, frame: number): number | undefined {
    const row = this.#rows[key] ?? [];
    return row[this.#indexFrom(row, frame)];
  }

  /** -1 when every run begins later. */
  #indexFrom(row: readonly number[], frame: number): number {
    let [low, high] = [0, row.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#startOf(row[middle] ?? 0) <= frame) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #startOf(run: number): number {
    return this.#runs.starts.values[run] ?? 0;
  }

  #endOf(run: number): number {
    const { offsets, values } = this.#runs;
    const next = run + 1 < offsets.length ? (offsets.values[run + 1] ?? 0) : values.length;
    return this.#startOf(run) + next - (offsets.values[run] ?? 0);
  }

  #cellOf(run: number, frame: number): number {
    return (this.#runs.offsets.values[run] ?? 0) + frame - this.#startOf(run);
  }
}

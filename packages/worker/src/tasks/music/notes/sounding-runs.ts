import { KEYS } from "./basic-pitch.ts";
import { GrowingNumbers } from "./growing-numbers.ts";
import { pitchBend } from "./pitch-bend.ts";

/** A note ends where its key stayed below the threshold for so many frames (`energy_tol` of the published script). */
export const SILENT_FRAMES = 11;
/** Onsets are inferred from how much a frame rises above both of the frames before it (`n_diff`). */
const RISE_FRAMES = 2;

export interface Sensitivity {
  onsetThreshold: number;
  frameThreshold: number;
  /** Keys outside of [lowestKey, endKey) count as silent. */
  lowestKey: number;
  endKey: number;
  withBends: boolean;
}

/** What the model says of one frame. */
export interface NoteFrame {
  onset: Float32Array;
  frame: Float32Array;
  contour: Float32Array;
}

/** One key over consecutive frames, which neither sounds nor starts within 11 frames of either end. */
interface OpenRun {
  start: number;
  /** Frames up to the last that counts. */
  length: number;
  sounds: boolean;
  values: number[];
  bends: number[];
}

/**
 * The cells of a posteriorgram that can be part of a note, and no others: of an hour of music megabytes, where the whole is
 * half a gigabyte. A note never leaves its run, because 11 frames below the threshold end it.
 */
export class SoundingRuns {
  /** Of all runs, one after the other, by frame. */
  readonly values = new GrowingNumbers(Float32Array);
  /** In thirds of a semitone; empty unless asked for. */
  readonly bends = new GrowingNumbers(Int8Array);
  /** By run: its key, its first frame, where its cells begin. */
  readonly keys = new GrowingNumbers(Uint32Array);
  readonly starts = new GrowingNumbers(Uint32Array);
  readonly offsets = new GrowingNumbers(Uint32Array);
  /** Where a note may start, by frame and key: row-major number of the cell, the model's onset, its rise. */
  readonly onsetCells = new GrowingNumbers(Uint32Array);
  readonly onsets = new GrowingNumbers(Float32Array);
  readonly rises = new GrowingNumbers(Float64Array);
  highestOnset = 0;
  highestRise = 0;
  frames = 0;
  readonly #sensitivity: Sensitivity;
  readonly #open: (OpenRun | null)[] = Array.from({ length: KEYS }, () => null);
  #last = new Float32Array(KEYS);
  #secondLast = new Float32Array(KEYS);

  constructor(sensitivity: Sensitivity) {
    this.#sensitivity = sensitivity;
  }

  push({ onset, frame, contour }: NoteFrame): void {
    const { lowestKey, endKey } = this.#sensitivity;
    for (let key = lowestKey; key < endKey; key++) {
      this.highestOnset = Math.max(this.highestOnset, onset[key] ?? 0);
      this.highestRise = Math.max(this.highestRise, this.#riseOf(key, frame));
    }
    for (let key = lowestKey; key < endKey; key++) {
      const isOnset = this.#keepOnset(key, onset[key] ?? 0, this.#riseOf(key, frame));
      this.#extend(key, frame[key] ?? 0, contour, isOnset);
    }
    [this.#last, this.#secondLast] = [this.#secondLast, this.#last];
    this.#last.set(frame);
    this.frames += 1;
  }

  finish(): void {
    for (let key = 0; key < KEYS; key++) this.#close(key);
  }

  #riseOf(key: number, frame: Float32Array): number {
    if (this.frames < RISE_FRAMES) return 0;
    return Math.max(0, (frame[key] ?? 0) - Math.max(this.#last[key] ?? 0, this.#secondLast[key] ?? 0));
  }

  /**
   * Rises are scaled so that the highest is as high as the highest onset, which only the end knows. No onset is above 1, so
   * a rise never counts for more than its share of the highest so far; what is below the threshold with that stays below it.
   */
  #keepOnset(key: number, onset: number, rise: number): boolean {
    const { onsetThreshold } = this.#sensitivity;
    if (onset < onsetThreshold && !(rise > 0 && rise >= onsetThreshold * this.highestRise)) return false;
    this.onsetCells.push(this.frames * KEYS + key);
    this.onsets.push(onset);
    this.rises.push(rise);
    return true;
  }

  #extend(key: number, value: number, contour: Float32Array, isOnset: boolean): void {
    const sounds = value >= this.#sensitivity.frameThreshold;
    const isPart = sounds || isOnset;
    let run = this.#open[key] ?? null;
    if (run !== null && this.frames - (run.start + run.length - 1) > SILENT_FRAMES) {
      this.#close(key);
      run = null;
    }
    if (run === null) {
      if (!isPart) return;
      run = { start: this.frames, length: 0, sounds: false, values: [], bends: [] };
      this.#open[key] = run;
    }
    run.values.push(value);
    if (this.#sensitivity.withBends) run.bends.push(pitchBend(contour, key));
    if (isPart) run.length = run.values.length;
    run.sounds ||= sounds;
  }

  #close(key: number): void {
    const run = this.#open[key] ?? null;
    this.#open[key] = null;
    // Without a frame that sounds it holds no note, and takes no energy from others.
    if (run === null || !run.sounds) return;
    this.keys.push(key);
    this.starts.push(run.start);
    this.offsets.push(this.values.length);
    for (let i = 0; i < run.length; i++) {
      this.values.push(run.values[i] ?? 0);
      if (this.#sensitivity.withBends) this.bends.push(run.bends[i] ?? 0);
    }
  }
}

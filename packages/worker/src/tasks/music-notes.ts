import { AppError } from "@earshot/shared/domain/errors";
import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import type { TaskOptions } from "@earshot/shared/domain/tasks";
import type { Tensors } from "../inference/inference.ts";
import type { AudioBlock } from "../input/audio.ts";
import { ChunkCutter } from "../signal/chunk-cutter.ts";
import { valuesOf } from "./music/musicnn.ts";
import {
  BASIC_PITCH,
  CONTOUR_BINS,
  EDGE_SAMPLES,
  frameSeconds,
  FRAMES_PER_HOP,
  framesIn,
  framesOf,
  HOP_SAMPLES,
  keyOf,
  KEYS,
} from "./music/notes/basic-pitch.ts";
import { noteEvents } from "./music/notes/note-events.ts";
import type { FrameNote } from "./music/notes/note-events.ts";
import { SoundingRuns } from "./music/notes/sounding-runs.ts";
import { RunWindow } from "./run-window.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";

const LOUDEST_VELOCITY = 127;

/** Which notes are played, of one instrument or several voices at once (Basic Pitch with its published post-processing). */
export const musicNotes: Task<"music.notes"> = {
  name: "music.notes",
  stream: { name: "mono22k", channels: 1, sampleRateHz: BASIC_PITCH.sampleRateHz },
  start: (options, context) => new NotesRun(options, context),
};

class NotesRun implements TaskRun {
  readonly #options: TaskOptions<"music.notes">;
  readonly #context: TaskContext;
  readonly #cutter = new ChunkCutter(BASIC_PITCH.windowSamples, HOP_SAMPLES);
  readonly #inFlight: RunWindow;
  readonly #sounding: SoundingRuns;
  /** Windows that were answered before one that comes before them. */
  readonly #early = new Map<number, Tensors>();
  #next = 0;
  #windows = 0;
  #samples = 0;

  constructor(options: TaskOptions<"music.notes">, context: TaskContext) {
    this.#options = options;
    this.#context = context;
    this.#inFlight = new RunWindow(context.inference.window);
    this.#sounding = new SoundingRuns({
      onsetThreshold: options.onset_threshold,
      frameThreshold: options.frame_threshold,
      lowestKey: options.min_hz === undefined ? 0 : keyOf(options.min_hz),
      endKey: options.max_hz === undefined ? KEYS : keyOf(options.max_hz),
      withBends: options.pitch_bends,
    });
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    if (this.#samples === 0) {
      await this.#context.inference.load(BASIC_PITCH.model, this.#context.signal);
      await this.#send(new Float32Array(EDGE_SAMPLES));
    }
    this.#samples += samples.length;
    await this.#send(samples);
  }

  async finish(): Promise<TaskOutput> {
    if (this.#samples === 0)
      throw new AppError("input_too_short", { detail: { duration_seconds: 0, minimum_seconds: 0.001 } });
    await this.#send(new Float32Array(EDGE_SAMPLES));
    const rest = this.#cutter.rest();
    if (rest !== null) await this.#start(rest);
    await this.#inFlight.settled();
    this.#sounding.finish();
    const { onset_threshold, frame_threshold, min_note_seconds, without_onset } = this.#options;
    const notes = noteEvents(this.#sounding, {
      onsetThreshold: onset_threshold,
      frameThreshold: frame_threshold,
      minFrames: framesOf(min_note_seconds),
      withoutOnset: without_onset,
    });
    return {
      ...this.#context.inference.identify(BASIC_PITCH.model),
      note_count: notes.length,
      notes: notes.toSorted((a, b) => a.startFrame - b.startFrame || a.midi - b.midi).map(noteBody),
    };
  }

  async #send(samples: Float32Array): Promise<void> {
    for (const window of this.#cutter.push(samples)) await this.#start(window);
  }

  #start(data: Float32Array): Promise<void> {
    const index = this.#windows++;
    return this.#inFlight.start(async () => {
      const { inference, signal } = this.#context;
      const feeds = { [BASIC_PITCH.input]: { data, dims: [1, data.length, 1] } };
      this.#early.set(index, await inference.run(BASIC_PITCH.model, feeds, signal));
      this.#takeInOrder();
    });
  }

  #takeInOrder(): void {
    for (let found = this.#early.get(this.#next); found; found = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#takeFrames(found);
    }
  }

  #takeFrames(found: Tensors): void {
    const { outputs, edgeFrames } = BASIC_PITCH;
    const [onsets, frames, contours] = [outputs.onset, outputs.frame, outputs.contour].map((name) =>
      valuesOf(found, name),
    );
    const end = Math.min(FRAMES_PER_HOP, framesIn(this.#samples) - this.#sounding.frames);
    for (let frame = edgeFrames; frame < edgeFrames + end; frame++) {
      this.#sounding.push({
        onset: rowOf(onsets, frame, KEYS),
        frame: rowOf(frames, frame, KEYS),
        contour: rowOf(contours, frame, CONTOUR_BINS),
      });
    }
  }
}

function rowOf(values: Float32Array | undefined, row: number, width: number): Float32Array {
  return values?.subarray(row * width, (row + 1) * width) ?? new Float32Array(width);
}

function noteBody({ startFrame, endFrame, midi, amplitude, bends }: FrameNote) {
  return {
    start: roundSeconds(frameSeconds(startFrame)),
    end: roundSeconds(frameSeconds(endFrame)),
    pitch: midi,
    velocity: Math.round(LOUDEST_VELOCITY * amplitude),
    amplitude: roundScore(amplitude),
    ...(bends.length === 0 ? {} : { pitch_bends: [...bends] }),
  };
}

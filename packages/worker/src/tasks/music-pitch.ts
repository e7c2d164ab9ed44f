import { AppError } from "@earshot/shared/domain/errors";
import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import type { TaskOptions } from "@earshot/shared/domain/tasks";
import type { AudioBlock } from "../input/audio.ts";
import { ChunkCutter } from "../signal/chunk-cutter.ts";
import { valuesOf } from "./music/musicnn.ts";
import { RowStore } from "./row-store.ts";
import { RunWindow } from "./run-window.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";

const MODEL_ID = "swift_f0";
const SAMPLE_RATE_HZ = 16_000;
/** SwiftF0 says a pitch for each 256 samples; the frame's middle is half of its 256 samples behind its start. */
const FRAME_SAMPLES = 256;
const CHUNK_FRAMES = 256;
/** The model's receptive field reaches 11 frames each way: frames further from a chunk's edge are as in the whole. */
const CONTEXT_FRAMES = 16;
const HOP_FRAMES = CHUNK_FRAMES - 2 * CONTEXT_FRAMES;

/** The fundamental frequency over time of one voice (SwiftF0, 46.875 to 2093.75 Hz), each 16 ms; null where none is sure. */
export const musicPitch: Task<"music.pitch"> = {
  name: "music.pitch",
  stream: { name: "mono16k", channels: 1, sampleRateHz: SAMPLE_RATE_HZ },
  start: (options, context) => new PitchRun(options, context),
};

class PitchRun implements TaskRun {
  readonly #options: TaskOptions<"music.pitch">;
  readonly #context: TaskContext;
  readonly #cutter = new ChunkCutter(CHUNK_FRAMES * FRAME_SAMPLES, HOP_FRAMES * FRAME_SAMPLES);
  readonly #runs: RunWindow;
  /** By chunk: its pitches in Hz, then its confidences. */
  readonly #found = new RowStore(2 * CHUNK_FRAMES, Float32Array);
  #chunks = 0;
  #samples = 0;

  constructor(options: TaskOptions<"music.pitch">, context: TaskContext) {
    this.#options = options;
    this.#context = context;
    this.#runs = new RunWindow(context.inference.window);
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    if (this.#samples === 0) await this.#context.inference.load(MODEL_ID, this.#context.signal);
    this.#samples += samples.length;
    for (const chunk of this.#cutter.push(samples)) await this.#start(chunk);
  }

  async finish(): Promise<TaskOutput> {
    const frames = Math.floor(this.#samples / FRAME_SAMPLES);
    if (frames === 0) {
      throw new AppError("input_too_short", {
        detail: {
          duration_seconds: roundSeconds(this.#samples / SAMPLE_RATE_HZ),
          minimum_seconds: FRAME_SAMPLES / SAMPLE_RATE_HZ,
        },
      });
    }
    const rest = this.#cutter.rest();
    if (rest !== null) await this.#start(rest);
    await this.#runs.settled();
    const identity = this.#context.inference.identify(MODEL_ID);
    return { ...identity, ...trackOf(this.#found.take(this.#chunks), frames, this.#options) };
  }

  #start(data: Float32Array): Promise<void> {
    const index = this.#chunks++;
    return this.#runs.start(async () => {
      const { inference, signal } = this.#context;
      const found = await inference.run(MODEL_ID, { input_audio: { data, dims: [1, data.length] } }, signal);
      const row = new Float32Array(2 * CHUNK_FRAMES);
      row.set(valuesOf(found, "pitch_hz"));
      row.set(valuesOf(found, "confidence"), CHUNK_FRAMES);
      this.#found.set(index, row);
    });
  }
}

/** Row-major [chunks, 2, 256] as one track: of two chunks that hold a frame the one whose edge is further away counts. */
function trackOf(chunks: Float32Array, frames: number, options: TaskOptions<"music.pitch">) {
  const { confidence_threshold: threshold, min_hz: lowest, max_hz: highest } = options;
  const f0: (number | null)[] = [];
  const confidences: number[] = [];
  const voiced: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const chunk = Math.max(
      0,
      Math.min(chunks.length / (2 * CHUNK_FRAMES) - 1, Math.floor((frame - CONTEXT_FRAMES) / HOP_FRAMES)),
    );
    const at = chunk * 2 * CHUNK_FRAMES + frame - chunk * HOP_FRAMES;
    const hz = chunks[at] ?? 0;
    const confidence = chunks[at + CHUNK_FRAMES] ?? 0;
    const isVoiced = confidence >= threshold && hz >= lowest && hz <= highest;
    if (isVoiced) voiced.push(hz);
    f0.push(isVoiced ? Math.round(hz * 100) / 100 : null);
    confidences.push(roundScore(confidence));
  }
  const sorted = Float64Array.from(voiced).toSorted();
  return {
    voiced_ratio: roundScore(voiced.length / frames),
    median_hz: sorted.length === 0 ? null : Math.round((sorted[sorted.length >> 1] ?? 0) * 100) / 100,
    segments: {
      timestamps_seconds: f0.map((_, frame) =>
        roundSeconds(((frame + 0.5) * FRAME_SAMPLES) / SAMPLE_RATE_HZ),
      ),
      values: { f0_hz: f0, confidence: confidences },
    },
  };
}

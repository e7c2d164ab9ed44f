import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import { AppError } from "@earshot/shared/domain/errors";
import type { AudioBlock } from "../input/audio.ts";
import { ChunkCutter } from "../signal/chunk-cutter.ts";
import { DNSMOS_MEL, dnsmosLogMel, dnsmosMelFrame } from "../signal/dnsmos-mel.ts";
import { valuesOf } from "./music/musicnn.ts";
import { RowStore } from "./row-store.ts";
import { RunWindow } from "./run-window.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";

/**
 * DNSMOS P.835 (signal, background, overall) and P.808, as Microsoft's dnsmos_local.py runs them, but that it skips windows whose
 * end its floating point rounds down (the eighth is the first); here none is skipped.
 */
const P835 = "dnsmos_sig_bak_ovr";
const P808 = "dnsmos_p808_model_v8";
const SAMPLE_RATE_HZ = DNSMOS_MEL.sampleRateHz;
/** 9.01 s, one each second. */
const WINDOW_SAMPLES = 144_160;
const HOP_SAMPLES = SAMPLE_RATE_HZ;
/** The published mapping of raw outputs to mean opinion scores: a·x² + b·x + c. */
const POLYNOMIALS = [
  [-0.08397278, 1.22083953, 0.0052439],
  [-0.13166888, 1.60915514, -0.39604546],
  [-0.06766283, 1.11546468, 0.04602535],
] as const;
const SCORES = ["sig", "bak", "ovr", "p808"] as const;

/** Mean opinion scores, 1 to 5, of each 9 s and their means: how good the speech, the background and both together are. */
export const speechQuality: Task<"speech.quality"> = {
  name: "speech.quality",
  stream: { name: "mono16k", channels: 1, sampleRateHz: SAMPLE_RATE_HZ },
  start: (_options, context) => new QualityRun(context),
};

class QualityRun implements TaskRun {
  readonly #context: TaskContext;
  readonly #cutter = new ChunkCutter(WINDOW_SAMPLES, HOP_SAMPLES);
  readonly #runs: RunWindow;
  readonly #scores = new RowStore(SCORES.length, Float32Array);
  readonly #mel = new WindowedMel();
  /** The start of the audio, while it does not fill a window. */
  #short: Float32Array[] = [];
  #samples = 0;
  #windows = 0;
  /** Filled, and begun once the audio is known to reach a whole second: the published script counts those. */
  #held: Float32Array[] = [];

  constructor(context: TaskContext) {
    this.#context = context;
    // Each window goes to two models.
    this.#runs = new RunWindow(Math.max(1, Math.ceil(context.inference.window / 2)));
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    const { inference, signal } = this.#context;
    if (this.#samples === 0) await Promise.all([P835, P808].map((model) => inference.load(model, signal)));
    if (this.#samples < WINDOW_SAMPLES) this.#short.push(samples.slice());
    await this.#take(samples);
  }

  async finish(): Promise<TaskOutput> {
    if (this.#samples === 0) throw new AppError("input_too_short", { detail: { duration_seconds: 0 } });
    await this.#fill();
    await this.#runs.settled();
    const values = this.#scores.take(this.#windows);
    const column = (score: number) =>
      Array.from({ length: this.#windows }, (_, window) => values[window * SCORES.length + score] ?? 0);
    const columns = SCORES.map((name, score) => [name, column(score)] as const);
    return {
      ...this.#context.inference.identify(P835),
      ...Object.fromEntries(columns.map(([name, column]) => [name, roundScore(meanOf(column))])),
      segments: {
        timestamps_seconds: Array.from({ length: this.#windows }, (_, window) =>
          roundSeconds((window * HOP_SAMPLES) / SAMPLE_RATE_HZ),
        ),
        values: Object.fromEntries(columns.map(([name, column]) => [name, column.map(roundScore)])),
      },
    };
  }

  async #take(samples: Float32Array): Promise<void> {
    for (let taken = 0; taken < samples.length; taken += HOP_SAMPLES) {
      const part = samples.subarray(taken, taken + HOP_SAMPLES);
      this.#samples += part.length;
      for (const window of this.#cutter.push(part)) {
        if (this.#windows === 0) await this.#start(window);
        else this.#held.push(window);
      }
      while (this.#held[0] !== undefined && this.#samples >= (this.#windows + 10) * SAMPLE_RATE_HZ) {
        const [window] = this.#held.splice(0, 1) as [Float32Array];
        await this.#start(window);
      }
    }
  }

  /** Audio that does not fill a window is doubled until it does. */
  async #fill(): Promise<void> {
    while (this.#samples < WINDOW_SAMPLES) {
      const whole = concatenated(this.#short);
      this.#short.push(whole);
      await this.#take(whole);
    }
    this.#short = [];
  }

  #start(window: Float32Array): Promise<void> {
    const index = this.#windows++;
    const mel = this.#mel.of(window);
    return this.#runs.start(async () => {
      const { inference, signal } = this.#context;
      const dims = [1, DNSMOS_MEL.frames, DNSMOS_MEL.bands];
      const [p835, p808] = await Promise.all([
        inference.run(P835, { input_1: { data: window, dims: [1, window.length] } }, signal),
        inference.run(P808, { input_1: { data: mel, dims } }, signal),
      ]);
      const raw = valuesOf(p835, "Identity:0");
      const scores = POLYNOMIALS.map(
        ([a, b, c], score) => (a * (raw[score] ?? NaN) + b) * (raw[score] ?? NaN) + c,
      );
      this.#scores.set(index, Float32Array.of(...scores, valuesOf(p808, "Identity:0")[0] ?? NaN));
    });
  }
}

/** The mel of each window in turn: a second later most frames are those of the window before. */
class WindowedMel {
  readonly #framesPerHop = HOP_SAMPLES / DNSMOS_MEL.hopSamples;
  #inner: Float32Array[] = [];

  of(window: Float32Array): Float32Array {
    const samples = window.subarray(0, DNSMOS_MEL.samples);
    const kept = this.#inner.slice(this.#framesPerHop);
    const first = kept.length + 1;
    const fresh = Array.from({ length: DNSMOS_MEL.frames - 1 - first }, (_, i) =>
      frameAt(samples, first + i),
    );
    this.#inner = [...kept, ...fresh];
    // The frames at the edges reach over them, into zeros.
    return dnsmosLogMel([frameAt(samples, 0), ...this.#inner, frameAt(samples, DNSMOS_MEL.frames - 1)]);
  }
}

function frameAt(samples: Float32Array, frame: number): Float32Array {
  return dnsmosMelFrame(samples, frame * DNSMOS_MEL.hopSamples);
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.length;
  }
  return whole;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

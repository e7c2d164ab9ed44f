import { AppError } from "@earshot/shared/domain/errors";
import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import type { TaskOptions } from "@earshot/shared/domain/tasks";
import type { Inference, ModelIdentity } from "../inference/inference.ts";
import type { AudioBlock } from "../input/audio.ts";
import { SpeechSegmenter } from "../signal/speech-segmenter.ts";
import type { SampleSpan } from "../signal/speech-segmenter.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";

/** Silero VAD at 16 kHz: each row is the last 64 samples of the window before and 512 new ones. */
const SAMPLE_RATE_HZ = 16_000;
const WINDOW_SAMPLES = 512;
const CONTEXT_SAMPLES = 64;
const ROW_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES;
const STATE_VALUES = 2 * 128;
/** Two seconds of audio: the message to the lane costs little beside the model, and progress stays smooth. */
const ROWS_PER_SCAN = 64;

const MODEL_ID = "silero_vad";

export const speechSegments: Task<"speech.segments"> = {
  name: "speech.segments",
  stream: { name: "mono16k", channels: 1, sampleRateHz: SAMPLE_RATE_HZ },
  start: (options, context) => new SpeechSegmentsRun(options, context),
};

class SpeechSegmentsRun implements TaskRun {
  readonly #inference: Inference;
  readonly #signal: AbortSignal;
  readonly #segmenter: SpeechSegmenter;
  readonly #probabilities: number[] | null;
  readonly #rows = new RowCutter();
  #state: Float32Array = new Float32Array(STATE_VALUES);
  #totalSamples = 0;
  /** The scan under way. It runs while the next rows fill. */
  #scanning: Promise<void> = Promise.resolve();

  constructor(options: TaskOptions<"speech.segments">, { inference, signal }: TaskContext) {
    this.#inference = inference;
    this.#signal = signal;
    this.#probabilities = options.probabilities ? [] : null;
    this.#segmenter = new SpeechSegmenter({
      windowSamples: WINDOW_SAMPLES,
      threshold: options.threshold,
      thresholdOff: options.threshold_off,
      minSpeechSamples: samplesOf(options.min_speech_seconds),
      minSilenceSamples: samplesOf(options.min_silence_seconds),
      paddingSamples: samplesOf(options.padding_seconds),
    });
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    this.#totalSamples += samples.length;
    for (let taken = 0; taken < samples.length;) {
      taken += this.#rows.fill(samples.subarray(taken));
      if (this.#rows.isFull) await this.#scan(this.#rows.cut());
    }
  }

  async finish(): Promise<TaskOutput> {
    if (this.#totalSamples === 0) throw new AppError("input_too_short", { detail: { duration_seconds: 0 } });
    await this.#scan(this.#rows.cut());
    await this.#scanning;
    const spans = this.#segmenter.finish(this.#totalSamples);
    return outputOf(this.#inference.identify(MODEL_ID), spans, this.#totalSamples, this.#probabilities);
  }

  /** Waits for the scan before, whose state this one carries on, and leaves this one running. */
  async #scan(rows: Float32Array): Promise<void> {
    await this.#scanning;
    if (rows.length === 0) return;
    this.#scanning = this.#step(rows);
    // Whoever awaits it next hears of a failure; until then it must not count as unhandled.
    this.#scanning.catch(() => {});
  }

  async #step(rows: Float32Array): Promise<void> {
    const { outputs, state } = await this.#inference.scan(
      MODEL_ID,
      { rows, state: this.#state },
      this.#signal,
    );
    this.#state = state;
    for (const probability of outputs) {
      this.#segmenter.push(probability);
      this.#probabilities?.push(roundScore(probability));
    }
  }
}

/** Cuts samples into overlapping rows, however they arrive. */
class RowCutter {
  /** The last samples of the window before, then the windows that are being filled. */
  readonly #samples = new Float32Array(CONTEXT_SAMPLES + ROWS_PER_SCAN * WINDOW_SAMPLES);
  #filled = CONTEXT_SAMPLES;

  get isFull(): boolean {
    return this.#filled === this.#samples.length;
  }

  /** Takes in as many samples as there is room for. Returns how many. */
  fill(samples: Float32Array): number {
    const taken = samples.subarray(0, this.#samples.length - this.#filled);
    this.#samples.set(taken, this.#filled);
    this.#filled += taken.length;
    return taken.length;
  }

  /** The rows of what was filled; an incomplete last window is padded with zeros, so that one ends the audio. */
  cut(): Float32Array {
    const windows = Math.ceil((this.#filled - CONTEXT_SAMPLES) / WINDOW_SAMPLES);
    this.#samples.fill(0, this.#filled);
    const rows = new Float32Array(windows * ROW_SAMPLES);
    for (let window = 0; window < windows; window++) {
      const first = window * WINDOW_SAMPLES;
      rows.set(this.#samples.subarray(first, first + ROW_SAMPLES), window * ROW_SAMPLES);
    }
    this.#samples.copyWithin(0, windows * WINDOW_SAMPLES, windows * WINDOW_SAMPLES + CONTEXT_SAMPLES);
    this.#filled = CONTEXT_SAMPLES;
    return rows;
  }
}

function outputOf(
  identity: ModelIdentity,
  spans: readonly SampleSpan[],
  totalSamples: number,
  probabilities: readonly number[] | null,
): TaskOutput {
  const speechSamples = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    ...identity,
    segments: spans.map(({ start, end }) => ({ start: secondsOf(start), end: secondsOf(end) })),
    speech_seconds: secondsOf(speechSamples),
    speech_ratio: roundScore(speechSamples / totalSamples),
    ...(probabilities === null ? {} : { probabilities }),
  };
}

function secondsOf(samples: number): number {
  return roundSeconds(samples / SAMPLE_RATE_HZ);
}

function samplesOf(seconds: number): number {
  return Math.round(seconds * SAMPLE_RATE_HZ);
}

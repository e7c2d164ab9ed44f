import { AppError } from "@earshot/shared/domain/errors";
import type { Inference } from "../inference/inference.ts";

/** Silero VAD at 16 kHz: each row is the last 64 samples of the window before and 512 new ones. */
export const SAMPLE_RATE_HZ = 16_000;
export const WINDOW_SAMPLES = 512;
const CONTEXT_SAMPLES = 64;
const ROW_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES;
const STATE_VALUES = 2 * 128;
/** Two seconds of audio: the message to the lane costs little beside the model, and progress stays smooth. */
const ROWS_PER_SCAN = 64;

export const VOICE_MODEL = "silero_vad";

/** One pass of Silero over a file: `onProbability` is told of each 512 samples, in order, how likely they are speech. */
export class VoiceActivity {
  readonly #inference: Inference;
  readonly #signal: AbortSignal;
  readonly #onProbability: (probability: number) => void;
  readonly #rows = new RowCutter();
  #state: Float32Array = new Float32Array(STATE_VALUES);
  #totalSamples = 0;
  /** The scan under way. It runs while the next rows fill. */
  #scanning: Promise<void> = Promise.resolve();

  constructor(
    { inference, signal }: { inference: Inference; signal: AbortSignal },
    onProbability: (probability: number) => void,
  ) {
    this.#inference = inference;
    this.#signal = signal;
    this.#onProbability = onProbability;
  }

  async push(samples: Float32Array): Promise<void> {
    this.#totalSamples += samples.length;
    for (let taken = 0; taken < samples.length;) {
      taken += this.#rows.fill(samples.subarray(taken));
      if (this.#rows.isFull) await this.#scan(this.#rows.cut());
    }
  }

  /** Once all has been told. @returns how many samples there were. @throws AppError `input_too_short` when there was none. */
  async finish(): Promise<number> {
    if (this.#totalSamples === 0) throw new AppError("input_too_short", { detail: { duration_seconds: 0 } });
    await this.#scan(this.#rows.cut());
    await this.#scanning;
    return this.#totalSamples;
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
      VOICE_MODEL,
      { rows, state: this.#state },
      this.#signal,
    );
    this.#state = state;
    for (const probability of outputs) this.#onProbability(probability);
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

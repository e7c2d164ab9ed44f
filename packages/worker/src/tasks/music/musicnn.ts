import { AppError } from "@earshot/shared/domain/errors";
import { roundSeconds } from "@earshot/shared/domain/results";
import type { Tensors } from "../../inference/inference.ts";
import type { AudioBlock, StreamSpec } from "../../input/audio.ts";
import { MUSICNN, MusicnnMel } from "../../signal/musicnn-mel.ts";
import { MUSICNN_PATCH, PatchCutter } from "../../signal/patches.ts";
import { RunWindow } from "../run-window.ts";
import { RowStore } from "../row-store.ts";
import type { FeatureContext, FeatureRun, FeatureSource } from "../features.ts";

export const MUSICNN_MODEL = "msd-musicnn-1";
export const MUSICNN_STREAM: StreamSpec = {
  name: "mono16k",
  channels: 1,
  sampleRateHz: MUSICNN.sampleRateHz,
};
export const EMBEDDING_SIZE = 200;
const TAGS = 50;

/** What MusiCNN says of each patch. */
export interface MusicnnFeatures {
  patches: number;
  /** Scores, row-major [patches, labels]. */
  activations: Float32Array;
  /** Row-major [patches, 200]. */
  embeddings: Float32Array;
}

/** The least audio that fills a patch. */
const LEAST_SAMPLES = (MUSICNN_PATCH.frames - 2) * MUSICNN.hopSamples + 1;

/**
 * One mel and one run of the model for each patch of a job, whichever of the music tasks ask. Patches are called for
 * one by one; the lanes' batcher puts those of all jobs together.
 */
export const MUSICNN_FEATURES: FeatureSource<MusicnnFeatures> = {
  start: (context) => new MusicnnRun(context),
};

/** When each patch begins. */
export function patchTimestamps(patches: number): number[] {
  const hopSeconds = (MUSICNN_PATCH.hop * MUSICNN.hopSamples) / MUSICNN.sampleRateHz;
  return Array.from({ length: patches }, (_, patch) => roundSeconds(patch * hopSeconds));
}

class MusicnnRun implements FeatureRun<MusicnnFeatures> {
  readonly #context: FeatureContext;
  readonly #cutter = new PatchCutter(MUSICNN_PATCH, (patch) => this.#waiting.push(patch));
  readonly #mel = new MusicnnMel((frame) => this.#cutter.push(frame));
  /** Patches that the samples so far have filled and no lane was given. */
  #waiting: Float32Array[] = [];
  readonly #runs: RunWindow;
  readonly #activations = new RowStore(TAGS, Float32Array);
  readonly #embeddings = new RowStore(EMBEDDING_SIZE, Float32Array);
  #patches = 0;
  #samples = 0;

  constructor(context: FeatureContext) {
    this.#context = context;
    this.#runs = new RunWindow(context.inference.window);
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    // A model that is missing is told before hours of audio were read for it.
    if (this.#samples === 0) await this.#context.inference.load(MUSICNN_MODEL, this.#context.signal);
    this.#samples += samples.length;
    this.#mel.push(samples);
    await this.#sendWaiting();
  }

  async finish(): Promise<MusicnnFeatures> {
    this.#mel.finish();
    await this.#sendWaiting();
    await this.#runs.settled();
    if (this.#patches === 0) throw tooShort(this.#samples);
    return {
      patches: this.#patches,
      activations: this.#activations.take(this.#patches),
      embeddings: this.#embeddings.take(this.#patches),
    };
  }

  async #sendWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const patch of waiting) {
      const index = this.#patches++;
      await this.#runs.start(() => this.#infer(patch, index));
    }
  }

  async #infer(patch: Float32Array, index: number): Promise<void> {
    const { inference, signal } = this.#context;
    const dims = [1, MUSICNN_PATCH.frames, MUSICNN_PATCH.bands];
    const found = await inference.run(MUSICNN_MODEL, { melspectrogram: { data: patch, dims } }, signal);
    this.#activations.set(index, valuesOf(found, "activations"));
    this.#embeddings.set(index, valuesOf(found, "embeddings"));
  }
}

/** @throws AppError `internal` when the graph is not the one that the manifest describes. */
export function valuesOf(tensors: Tensors, output: string): Float32Array {
  const tensor = tensors[output];
  if (tensor === undefined) throw new AppError("internal", { message: `The model gave no ${output}.` });
  return tensor.data;
}

function tooShort(samples: number): AppError {
  return new AppError("input_too_short", {
    detail: {
      duration_seconds: roundSeconds(samples / MUSICNN.sampleRateHz),
      minimum_seconds: Math.ceil((1_000 * LEAST_SAMPLES) / MUSICNN.sampleRateHz) / 1_000,
    },
  });
}

import type { ModelSpec } from "./manifest.ts";

/** Row-major float32 values. The product of `dims` is the length of `data`. */
export interface Tensor {
  data: Float32Array;
  dims: readonly number[];
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** A run of recurrent model steps: `steps` rows of input, one state carried from row to row. */
export interface ScanRequest {
  /** Row-major [steps, width]. */
  rows: Float32Array;
  /** The state before the first row; a new stream starts with zeros. */
  state: Float32Array;
}

export interface ScanResult {
  /** The outputs of all rows, one after the other. */
  outputs: Float32Array;
  /** The state after the last row. */
  state: Float32Array;
}

/** What a result says of the model behind it. */
export interface ModelIdentity {
  model: string;
  version: string;
  device: string;
}

/**
 * What tasks see of the lanes. Streams keep their own state, so any lane can serve any call. Calls of several jobs share runs
 * of a model, in turn; all calls under one signal are one job's.
 */
export interface Inference {
  /** Calls that a job should have under way at a time: enough that no lane waits for it, and no more in memory. */
  readonly window: number;
  /** The model as the manifest has it and the device of the lanes, loaded or not. @throws AppError `model_unavailable`. */
  identify(modelId: string): ModelIdentity;
  /** The model's entry in the manifest. @throws AppError `model_unavailable` when there is none. */
  describe(modelId: string): ModelSpec;
  /** Makes sure that a lane has the model. @throws AppError `model_unavailable` that says what to do. */
  load(modelId: string, signal: AbortSignal): Promise<ModelIdentity>;
  /** Runs a recurrent model over `rows`. @throws AppError `internal` when the lane died, or the signal's reason. */
  scan(modelId: string, request: ScanRequest, signal: AbortSignal): Promise<ScanResult>;
  /** Runs a model once; constants of the manifest are filled in. @throws as `scan` does. */
  run(modelId: string, feeds: Tensors, signal: AbortSignal): Promise<Tensors>;
}

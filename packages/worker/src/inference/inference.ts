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

/** Which tokens a decoder may say, by their numbers. */
export interface TokenRules {
  /** The end of the text. Text tokens are below it, all others above. */
  end: number;
  never: readonly number[];
  notFirst: readonly number[];
  /** Tokens from `first` on are times, 0.02 s apart; the first of a text is at most `maxInitial` steps late. null: none are said. */
  timestamps: { first: number; maxInitial: number } | null;
}

/** One text that a decoder makes of what an encoder made. */
export interface GenerateRequest {
  /** The encoder's output, [1, frames, width]. */
  context: Tensor;
  /** Tokens that the text goes on from. */
  prompt: readonly number[];
  rules: TokenRules;
  /** 0: only the prompt is looked at. */
  maxTokens: number;
  /** 0: the likeliest token at each step; above: drawn, by `seed`. */
  temperature: number;
  seed: number;
  /** How likely each of these tokens is after the prompt's token at `position`, whatever the rules are. */
  probe: { position: number; tokens: readonly number[] } | null;
  /** What the heads, each [layer, head], look at, in the first `frames` of the context, at each token of the prompt from `from` on. */
  attention: { heads: readonly (readonly [number, number])[]; from: number; frames: number } | null;
}

export interface GenerateResult {
  /** With the end, if it was reached: not so after `maxTokens`, nor when a phrase is said over and over. */
  tokens: number[];
  /** Natural logarithms, one a token, among those that the rules allow. */
  logprobs: number[];
  probed: Float32Array;
  /** [heads, tokens, frames]. */
  attention: Tensor | null;
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
  /** Lets a decoder make a text, all of it in one call. @throws as `scan` does. */
  generate(modelId: string, request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult>;
  /** A file of the model beside its graph, such as its vocabulary. @throws AppError `model_unavailable`. */
  readFile(modelId: string, name: string): Promise<Uint8Array>;
}

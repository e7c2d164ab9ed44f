import type { Inference } from "../inference/inference.ts";
import type { AudioBlock } from "../input/audio.ts";

/** What a feature is computed with. */
export interface FeatureContext {
  inference: Inference;
  signal: AbortSignal;
}

/** What several tasks make their results of, such as an embedding of every patch. A job computes it once. */
export interface FeatureSource<Features> {
  start(context: FeatureContext): FeatureRun<Features>;
}

/** One pass over one file's samples. A failure is that of every task that builds on it. */
export interface FeatureRun<Features> {
  push(block: AudioBlock): Promise<void>;
  finish(): Promise<Features>;
}

/** The features of one job. Whichever task asks first starts one; the others share its run. */
export class JobFeatures {
  readonly #context: FeatureContext;
  readonly #runs = new Map<unknown, unknown>();

  constructor(context: FeatureContext) {
    this.#context = context;
  }

  /** A run to which every task may push every block and which all may finish: each block and the end count once. */
  of<Features>(source: FeatureSource<Features>): FeatureRun<Features> {
    const run = runOf(this.#runs, source) ?? new SharedRun(source.start(this.#context));
    this.#runs.set(source, run);
    return run;
  }
}

/** A source's run is what `of` has put under it. */
function runOf<Features>(
  runs: ReadonlyMap<unknown, unknown>,
  source: FeatureSource<Features>,
): FeatureRun<Features> | undefined {
  return runs.get(source) as FeatureRun<Features> | undefined;
}

/** All tasks are given the same block before any is given the next one: that is how a block is known again. */
class SharedRun<Features> implements FeatureRun<Features> {
  readonly #run: FeatureRun<Features>;
  #block: AudioBlock | null = null;
  #pushed: Promise<void> = Promise.resolve();
  #finished: Promise<Features> | null = null;

  constructor(run: FeatureRun<Features>) {
    this.#run = run;
  }

  push(block: AudioBlock): Promise<void> {
    if (block !== this.#block) {
      this.#block = block;
      this.#pushed = this.#run.push(block);
    }
    return this.#pushed;
  }

  finish(): Promise<Features> {
    this.#finished ??= this.#run.finish();
    return this.#finished;
  }
}

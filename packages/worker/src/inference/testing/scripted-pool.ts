import type { BatcherOptions, BatchLimits } from "../batcher.ts";
import { Batcher } from "../batcher.ts";
import type { Lane } from "../lane.ts";
import { LaneExit } from "../lane-errors.ts";
import { Observer } from "../observer.ts";
import { WaitingLine } from "../waiting-line.ts";

const LIMITS: BatchLimits = {
  maxRows: 4,
  delayMs: 0,
  isPadded: false,
  crashesAllowed: 2,
  abandonedMs: 0,
};

/** One batch that a lane was given. It is computed until the test says what becomes of it. */
export interface Batch {
  requests: readonly string[];
  rows: number;
  /** Aborts when the lane is ended for it. */
  stop: AbortSignal;
  /** Answers each request with its name in capitals. */
  answer(): void;
  fail(error: unknown): void;
}

/** Lanes that compute what a test tells them, and a batcher on them. */
export class ScriptedPool {
  readonly batches: Batch[] = [];
  readonly figures = new Observer().of("toy");
  readonly #free = new WaitingLine<Lane>();

  constructor(lanes: number) {
    // Nothing of a lane is asked here: it is only handed out and given back.
    for (let i = 0; i < lanes; i++) this.#free.give({} as Lane);
  }

  batcher(limits: Partial<BatchLimits> = {}): Batcher<string, string> {
    const pool: BatcherOptions["pool"] = {
      take: () => this.#free.take(new AbortController().signal),
      give: (lane) => this.#free.give(lane),
      call: async (_lane, { signals }, work) => work(AbortSignal.any([...signals])),
    };
    const options = { modelId: "toy", pool, limits: { ...LIMITS, ...limits }, figures: this.figures };
    const compute = (_lane: Lane, requests: readonly string[], rows: number, stop: AbortSignal) =>
      this.#compute(requests, rows, stop);
    return new Batcher({ rowsOf: () => 1, compute }, options);
  }

  /** The batch that is computed now, when there is one. */
  async next(): Promise<Batch> {
    for (;;) {
      const batch = this.batches.shift();
      if (batch !== undefined) return batch;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #compute(requests: readonly string[], rows: number, stop: AbortSignal): Promise<string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    stop.addEventListener("abort", () => reject(new LaneExit("was ended")));
    const answer = () => resolve(requests.map((request) => request.toUpperCase()));
    this.batches.push({ requests, rows, stop, answer, fail: reject });
    return promise;
  }
}

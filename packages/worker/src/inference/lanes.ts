import { raceAbort } from "../input/race-abort.ts";
import { Batcher, generateWork, runWork, scanWork } from "./batcher.ts";
import type { BatchLimits, BatchWork } from "./batcher.ts";
import type {
  GenerateRequest,
  GenerateResult,
  Inference,
  ModelIdentity,
  ScanRequest,
  ScanResult,
  Tensors,
} from "./inference.ts";
import { toAppError } from "./lane-errors.ts";
import { LanePool } from "./lane-pool.ts";
import type { PoolLimits, PoolOptions } from "./pool-options.ts";
import { modelRef } from "./manifest.ts";
import type { ModelSpec } from "./manifest.ts";
import { Observer } from "./observer.ts";
import type { EngineFigures } from "./observer.ts";

/** What may change while calls are at work. */
export interface LanesLimits extends PoolLimits {
  /** How calls share runs; what is left out has the default. */
  batch?: Partial<BatchLimits>;
}

export type LanesOptions = PoolOptions & LanesLimits;

/** The lanes of a worker, each model's calls batched. `close` leaves no process behind. */
export interface Lanes extends Inference {
  readonly pids: readonly number[];
  /** By lane, the models that it has, the one that was used longest ago first. */
  readonly loaded: readonly (readonly string[])[];
  /** What they have done, and do now. */
  observe(): EngineFigures;
  /** Aborts, with the reason, once this machine is found to compute something else than it should. No call is taken then. */
  readonly defunct: AbortSignal;
  declareDefunct(reason: Error): void;
  /** Other limits from the next call on; those under way end as they began. */
  limit(limits: LanesLimits): void;
  close(): Promise<void>;
}

/** On a CPU: a batch gains nothing there. */
const DEFAULT_BATCH: BatchLimits = {
  maxRows: 1,
  delayMs: 0,
  isPadded: false,
  crashesAllowed: 2,
  abandonedMs: 1_000,
};

/** Of a recurrent model a run with several streams costs hardly more than with one, on any device. */
const LEAST_MAX_STREAMS = 8;

/** Enough that no lane waits for a job's next patch; each is 72 kB. */
const LEAST_WINDOW = 8;

/** @throws AppError `model_unavailable` when a model of `preload` is not there, `internal` when a lane does not start. */
export async function createLanes(options: LanesOptions): Promise<Lanes> {
  const lanes = new BatchedLanes(options);
  try {
    await lanes.open();
    return lanes;
  } catch (error) {
    await lanes.close();
    throw error;
  }
}

class BatchedLanes implements Lanes {
  readonly #options: LanesOptions;
  readonly #observer = new Observer();
  readonly #pool: LanePool;
  readonly #runs = new Map<string, Batcher<Tensors, Tensors>>();
  readonly #scans = new Map<string, Batcher<ScanRequest, ScanResult>>();
  readonly #texts = new Map<string, Batcher<GenerateRequest, GenerateResult>>();
  #limits: BatchLimits;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_BATCH, ...options.batch };
    this.#pool = new LanePool(options, this.#observer);
  }

  get pids(): readonly number[] {
    return this.#pool.pids;
  }

  get loaded(): readonly (readonly string[])[] {
    return this.#pool.loaded;
  }

  get window(): number {
    return Math.max(LEAST_WINDOW, 2 * this.#limits.maxRows);
  }

  get defunct(): AbortSignal {
    return this.#pool.defunct;
  }

  declareDefunct(reason: Error): void {
    this.#pool.declareDefunct(reason);
  }

  open(): Promise<void> {
    return this.#pool.open();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  limit({ batch, ...limits }: LanesLimits): void {
    this.#limits = { ...DEFAULT_BATCH, ...batch };
    this.#pool.limit(limits);
    // Calls that wait are served by the batchers that took them.
    this.#runs.clear();
    this.#scans.clear();
  }

  observe(): EngineFigures {
    const { aborted, reason } = this.#pool.defunct;
    return {
      device: this.#options.device,
      defunct: aborted ? String(reason instanceof Error ? reason.message : reason) : null,
      lanes: this.#pool.figures,
      models: this.#observer.models(),
    };
  }

  identify(modelId: string): ModelIdentity {
    const { id, version } = this.describe(modelId);
    return { model: id, version, device: this.#options.device };
  }

  describe(modelId: string): ModelSpec {
    return this.#options.registry.find(modelId);
  }

  async load(modelId: string, signal: AbortSignal): Promise<ModelIdentity> {
    this.#pool.defunct.throwIfAborted();
    if (!this.#pool.hasLoaded(modelId)) await raceAbort(this.#loadOnALane(modelId), signal);
    return this.identify(modelId);
  }

  async scan(modelId: string, request: ScanRequest, signal: AbortSignal): Promise<ScanResult> {
    const maxRows = Math.max(this.#limits.maxRows, LEAST_MAX_STREAMS);
    return this.#batcher(this.#scans, modelId, scanWork, { ...this.#limits, maxRows }).call(request, signal);
  }

  async run(modelId: string, feeds: Tensors, signal: AbortSignal): Promise<Tensors> {
    return this.#batcher(this.#runs, modelId, runWork, this.#limits).call(feeds, signal);
  }

  async generate(modelId: string, request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    const limits = { ...this.#limits, maxRows: 1, delayMs: 0 };
    return this.#batcher(this.#texts, modelId, generateWork, limits).call(request, signal);
  }

  readFile(modelId: string, name: string): Promise<Uint8Array> {
    return this.#options.registry.readFile(modelId, name);
  }

  /** @throws AppError `model_unavailable` when the manifest does not have it. */
  #batcher<Request, Answer>(
    batchers: Map<string, Batcher<Request, Answer>>,
    modelId: string,
    workOf: (spec: ModelSpec) => BatchWork<Request, Answer>,
    limits: BatchLimits,
  ): Batcher<Request, Answer> {
    const spec = this.describe(modelId);
    const ref = modelRef(spec);
    const known = batchers.get(ref);
    if (known !== undefined) return known;
    const figures = this.#observer.of(ref);
    const batcher = new Batcher(workOf(spec), {
      modelId: ref,
      pool: this.#pool,
      limits,
      figures,
    });
    batchers.set(ref, batcher);
    return batcher;
  }

  /** Whoever asked may leave; the load goes on for the next. */
  async #loadOnALane(modelId: string): Promise<void> {
    const lane = await this.#pool.take();
    try {
      await this.#pool.call(lane, { modelId, signals: [] }, async () => {});
    } catch (error) {
      throw toAppError(error);
    } finally {
      this.#pool.give(lane);
    }
  }
}

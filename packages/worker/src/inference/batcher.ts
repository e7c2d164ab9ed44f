import { isBatchable, joinRows, rowsOf, splitRows } from "./batch-tensors.ts";
import { BatchItem, whenNobodyWaits } from "./batch-item.ts";
import { FairQueue } from "./fair-queue.ts";
import type { GenerateRequest, GenerateResult, ScanRequest, ScanResult, Tensors } from "./inference.ts";
import type { Lane } from "./lane.ts";
import { LaneExit, LaneFailure, LaneTimeout, toAppError } from "./lane-errors.ts";
import type { LanePool } from "./lane-pool.ts";
import { modelRef } from "./manifest.ts";
import type { ModelSpec } from "./manifest.ts";
import type { ModelFigures } from "./observer.ts";

export interface BatchLimits {
  /** Patches or streams in one run of a model. One call that has more of its own is run as it is. */
  maxRows: number;
  /** How long a call waits for others to share its run while a batch is not full. */
  delayMs: number;
  /** Whether runs are filled up with zeros to one of few sizes: a GPU plans, and keeps memory, for each size that it meets. */
  isPadded: boolean;
  /** How many lanes one call may cost before it fails: a lane may have died of something else. */
  crashesAllowed: number;
  /** How long a run goes on that nobody waits for any more, before its lane is ended for it. */
  abandonedMs: number;
}

/** How calls of one kind become one call of a lane. */
export interface BatchWork<Request, Answer> {
  rowsOf(request: Request): number;
  compute(lane: Lane, requests: readonly Request[], rows: number, stop: AbortSignal): Promise<Answer[]>;
}

export interface BatcherOptions {
  modelId: string;
  pool: Pick<LanePool, "take" | "give" | "call">;
  limits: BatchLimits;
  figures: ModelFigures;
}

/** Between the jobs and the lanes: the calls for one model, put together into runs of it. A job is known by its signal. */
export class Batcher<Request, Answer> {
  readonly #work: BatchWork<Request, Answer>;
  readonly #options: BatcherOptions;
  readonly #queue = new FairQueue<BatchItem<Request, Answer>>();
  #rowsWaiting = 0;
  #isAsking = false;
  #onFull = () => {};

  constructor(work: BatchWork<Request, Answer>, options: BatcherOptions) {
    this.#work = work;
    this.#options = options;
  }

  /** @throws AppError `internal`, `model_unavailable`, or the signal's reason as soon as it aborts. */
  async call(request: Request, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const item = new BatchItem<Request, Answer>(request, this.#work.rowsOf(request), signal);
    this.#queue.push(signal, item);
    this.#count(item, 1);
    item.onLeave = () => this.#drop(item);
    this.#ask();
    return item.answered();
  }

  #count(item: BatchItem<Request, Answer>, sign: 1 | -1): void {
    this.#rowsWaiting += sign * item.rows;
    this.#options.figures.waiting += sign;
    if (this.#rowsWaiting >= this.#options.limits.maxRows) this.#onFull();
  }

  #drop(item: BatchItem<Request, Answer>): void {
    this.#queue.remove(item.signal, item);
    this.#count(item, -1);
  }

  /** Asks for one lane at a time, and fills the batch when it is there: as full as it can be by then. */
  #ask(): void {
    if (this.#isAsking || this.#queue.length === 0) return;
    this.#isAsking = true;
    void this.#serve();
  }

  async #serve(): Promise<void> {
    const { pool, figures } = this.#options;
    const lane = await this.#laneOrNone();
    this.#isAsking = false;
    const batch = lane === null ? [] : this.#takeBatch();
    this.#ask();
    if (lane === null) return;
    figures.inFlight += batch.length;
    if (batch.length > 0) await this.#compute(lane, batch);
    figures.inFlight -= batch.length;
    pool.give(lane);
  }

  /** null: there is none, and those who waited have been told why. */
  async #laneOrNone(): Promise<Lane | null> {
    try {
      await this.#gather();
      return await this.#options.pool.take();
    } catch (error) {
      for (const item of this.#takeAll()) item.reject(error);
      return null;
    }
  }

  async #gather(): Promise<void> {
    const { delayMs, maxRows } = this.#options.limits;
    if (delayMs === 0 || this.#rowsWaiting >= maxRows) return;
    const full = Promise.withResolvers<void>();
    const timer = setTimeout(full.resolve, delayMs);
    this.#onFull = full.resolve;
    await full.promise;
    clearTimeout(timer);
  }

  #takeBatch(): BatchItem<Request, Answer>[] {
    const { maxRows } = this.#options.limits;
    let [rows, isClosed] = [0, false];
    return this.#taken((item) => {
      const fits = rows === 0 || (!isClosed && !item.isSuspect && rows + item.rows <= maxRows);
      rows += item.rows;
      isClosed ||= item.isSuspect;
      return fits;
    });
  }

  #takeAll(): BatchItem<Request, Answer>[] {
    return this.#taken(() => true);
  }

  #taken(fits: (item: BatchItem<Request, Answer>) => boolean): BatchItem<Request, Answer>[] {
    const items = this.#queue.take(fits);
    for (const item of items) {
      item.onLeave = () => {};
      this.#count(item, -1);
    }
    return items;
  }

  /** Never throws: each call hears of its own answer or failure. */
  async #compute(lane: Lane, batch: readonly BatchItem<Request, Answer>[]): Promise<void> {
    const { pool, limits, figures, modelId } = this.#options;
    const rows = batch.reduce((sum, item) => sum + item.rows, 0);
    const width = limits.isPadded ? bucketOf(rows) : rows;
    const requests = batch.map(({ request }) => request);
    const started = performance.now();
    figures.batches += 1;
    figures.rows += rows;
    figures.capacity += Math.max(limits.maxRows, rows);
    using unwanted = whenNobodyWaits(batch, limits.abandonedMs);
    try {
      const answers = await pool.call(lane, { modelId, signals: [unwanted.signal] }, (stop) =>
        this.#work.compute(lane, requests, width, stop),
      );
      for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer);
    } catch (error) {
      figures.failures += 1;
      for (const item of batch) this.#onFailure(item, batch.length, error);
    } finally {
      figures.seconds += (performance.now() - started) / 1_000;
    }
  }

  /** One call's fault is not that of those beside it: each is tried again alone. Alone it may cost so many lanes. */
  #onFailure(item: BatchItem<Request, Answer>, batchSize: number, error: unknown): void {
    if (error instanceof LaneExit) item.crashes += 1;
    const wasShared = batchSize > 1 && isLaneTrouble(error);
    const mayCrash = error instanceof LaneExit && item.crashes < this.#options.limits.crashesAllowed;
    if (item.hasLeft || !(wasShared || mayCrash)) return item.reject(toAppError(error));
    item.isSuspect = true;
    item.onLeave = () => this.#drop(item);
    this.#queue.putBack(item.signal, item);
    this.#count(item, 1);
    this.#ask();
  }
}

function isLaneTrouble(error: unknown): boolean {
  return error instanceof LaneExit || error instanceof LaneFailure || error instanceof LaneTimeout;
}

/** The next power of two: so few shapes that each is soon met. */
function bucketOf(rows: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, rows)));
}

/** Runs of a model on named tensors. */
export function runWork(spec: ModelSpec): BatchWork<Tensors, Tensors> {
  const { inputs, outputs } = spec;
  return {
    rowsOf: (feeds) => rowsOf(inputs, feeds),
    async compute(lane, requests, rows, stop) {
      const counts = requests.map((feeds) => rowsOf(inputs, feeds));
      const [only] = requests;
      const isWhole = requests.length === 1 && (rows === counts[0] || !isBatchable(inputs));
      const feeds = isWhole && only !== undefined ? only : joinRows(inputs, requests, rows);
      return splitRows(
        outputs,
        await lane.call({ kind: "run", modelId: modelRef(spec), feeds }, stop),
        counts,
      );
    },
  };
}

/** Scans of a recurrent model: each call is a stream. */
export function scanWork(spec: ModelSpec): BatchWork<ScanRequest, ScanResult> {
  return {
    rowsOf: () => 1,
    compute: (lane, streams, width, stop) =>
      lane.call({ kind: "scan", modelId: modelRef(spec), streams, width }, stop),
  };
}

/** Texts of a decoder: one a call, as each takes another number of steps. */
export function generateWork(spec: ModelSpec): BatchWork<GenerateRequest, GenerateResult> {
  return {
    rowsOf: () => 1,
    compute: (lane, requests, _rows, stop) =>
      Promise.all(
        requests.map((request) => lane.call({ kind: "generate", modelId: modelRef(spec), request }, stop)),
      ),
  };
}

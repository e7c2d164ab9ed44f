import { AppError } from "@earshot/shared/domain/errors";
import { describeError } from "@earshot/shared/log";
import { Lane } from "./lane.ts";
import { LaneTimeout } from "./lane-errors.ts";
import { LaneSupervisor } from "./lane-supervisor.ts";
import { loadModel, WrongAnswers } from "./load-model.ts";
import { modelRef } from "./manifest.ts";
import type { LaneFigures, Observer } from "./observer.ts";
import type { PoolLimits, PoolOptions } from "./pool-options.ts";
import { withStop } from "./stop-signal.ts";
import { WaitingLine } from "./waiting-line.ts";

const CALL_TIMEOUT_MS = 120_000;
const PING_EVERY_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;

/** The processes that run models, and those who wait for one. */
export class LanePool {
  readonly #options: PoolOptions;
  readonly #observer: Observer;
  readonly #supervisor: LaneSupervisor;
  readonly #line = new WaitingLine<Lane>();
  readonly #atWork = new Set<Lane>();
  readonly #closing = new AbortController();
  readonly #defunct = new AbortController();
  #limits: PoolLimits;
  #pings: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions, observer: Observer) {
    this.#options = options;
    this.#limits = options;
    this.#observer = observer;
    this.#supervisor = new LaneSupervisor({
      count: options.count,
      preload: options.preload ?? [],
      start: (preload, stop) => this.#startLane(preload, stop),
      onLane: (lane) => this.#admit(lane),
      onGone: (lane) => this.#line.remove(lane),
      onNone: (reason) => this.#line.failAll(reason),
      closing: this.#closing.signal,
      observer,
      log: options.log,
    });
  }

  get pids(): readonly number[] {
    return [...this.#supervisor.lanes].map((lane) => lane.pid).filter((pid) => pid !== undefined);
  }

  get loaded(): readonly (readonly string[])[] {
    return [...this.#supervisor.lanes].map((lane) => lane.loaded);
  }

  /** Aborts, with the reason, once this machine is found to compute something else than it should. No call is taken then. */
  get defunct(): AbortSignal {
    return this.#defunct.signal;
  }

  declareDefunct(reason: Error): void {
    if (this.#defunct.signal.aborted) return;
    this.#options.log.error("defunct", describeError(reason));
    this.#defunct.abort(reason);
    this.#line.failAll(reason);
  }

  get figures(): LaneFigures {
    const { lanes, wanted } = this.#supervisor;
    const all = [...lanes];
    return {
      wanted,
      alive: lanes.size,
      busy: this.#atWork.size,
      waiting: this.#line.waiting,
      rssBytes: all.reduce((sum, lane) => sum + lane.rssBytes, 0),
      modelBytes: all.reduce((sum, lane) => sum + lane.modelBytes, 0),
      ...this.#observer.laneEvents,
    };
  }

  async open(): Promise<void> {
    await this.#supervisor.open();
    this.#pings = setInterval(() => this.#pingIdle(), this.#options.pingEveryMs ?? PING_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    const reason = new AppError("internal", { message: "The inference lanes are closed." });
    clearInterval(this.#pings);
    this.#closing.abort(reason);
    this.#line.failAll(reason);
    await this.#supervisor.close();
  }

  /** From the next call on. No call is cut short: a lane too many goes when it has answered. */
  limit(limits: PoolLimits): void {
    this.#limits = limits;
    this.#supervisor.resize(limits.count);
    for (const lane of this.#line.takeAllFree()) this.give(lane);
  }

  hasLoaded(modelId: string): boolean {
    const ref = modelRef(this.#options.registry.find(modelId));
    return [...this.#supervisor.lanes].some((lane) => lane.hasLoaded(ref));
  }

  /** A free lane, at once or when there is one: first come, first served. Whoever takes one gives it back. */
  async take(): Promise<Lane> {
    this.#defunct.signal.throwIfAborted();
    const lane = await this.#line.take(this.#closing.signal);
    this.#atWork.add(lane);
    return lane;
  }

  give(lane: Lane): void {
    this.#atWork.delete(lane);
    if (!lane.isAlive) return;
    if (this.#isWornOut(lane)) return this.#recycle(lane);
    this.#admit(lane);
  }

  /**
   * One call on a lane that was taken, with its model there. Whatever stops it before its answer ends the lane.
   * @throws LaneExit, LaneFailure, LaneTimeout; AppError `model_unavailable`; the reason of a signal.
   */
  async call<T>(
    lane: Lane,
    { modelId, signals }: { modelId: string; signals: readonly AbortSignal[] },
    work: (stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = this.#options.callTimeoutMs ?? CALL_TIMEOUT_MS;
    const done = await this.#bounded(signals, timeoutMs, async (stop) => {
      await this.#ensureLoaded(lane, modelId, stop);
      return work(stop);
    });
    this.#supervisor.noteAnswer();
    return done;
  }

  #admit(lane: Lane): void {
    if (this.#supervisor.hasSurplus) this.#supervisor.retire(lane);
    else this.#line.give(lane);
  }

  #bounded<T>(
    signals: readonly AbortSignal[],
    timeoutMs: number,
    work: (stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeoutReason = () => new LaneTimeout(`An inference lane did not answer within ${timeoutMs} ms.`);
    return withStop({ signals: [this.#closing.signal, ...signals], timeoutMs, timeoutReason }, work);
  }

  /** The hash is checked at every load, so a lane that was replaced does not trust an old check. */
  async #ensureLoaded(lane: Lane, modelId: string, stop: AbortSignal): Promise<void> {
    const { registry, device } = this.#options;
    if (lane.hasLoaded(modelRef(registry.find(modelId)))) return;
    const resolved = await registry.resolve(modelId);
    try {
      await loadModel(lane, resolved, { device, budgetBytes: this.#limits.modelBytes ?? Infinity }, stop);
    } catch (error) {
      if (error instanceof WrongAnswers) this.declareDefunct(error);
      throw error;
    }
  }

  async #startLane(preload: readonly string[], stop: AbortSignal): Promise<Lane> {
    const { threads, device, env = {} } = this.#options;
    const lane = await Lane.start({ threads, device, env }, stop);
    try {
      for (const modelId of preload) await this.#ensureLoaded(lane, modelId, stop);
      return lane;
    } catch (error) {
      await lane.kill();
      throw error;
    }
  }

  #isWornOut({ calls, rssBytes }: Lane): boolean {
    const { recycle } = this.#limits;
    return recycle !== undefined && (calls >= recycle.calls || rssBytes > recycle.rssBytes);
  }

  #recycle(lane: Lane): void {
    const { pid, calls, rssBytes } = lane;
    this.#observer.laneEvents.recycled += 1;
    this.#options.log.info("lane_recycled", { pid, calls, rss_bytes: rssBytes });
    this.#supervisor.retire(lane);
  }

  /** A lane that hangs without work is found before the next call is. */
  #pingIdle(): void {
    for (const lane of this.#line.takeAllFree()) void this.#ping(lane);
  }

  async #ping(lane: Lane): Promise<void> {
    try {
      await this.#bounded([], this.#options.pingTimeoutMs ?? PING_TIMEOUT_MS, (stop) =>
        lane.call({ kind: "ping" }, stop),
      );
    } catch (error) {
      this.#options.log.warn("lane_silent", { pid: lane.pid, ...describeError(error) });
    } finally {
      this.give(lane);
    }
  }
}

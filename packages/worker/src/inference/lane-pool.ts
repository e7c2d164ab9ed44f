import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@earshot/shared/domain/errors";
import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { Device } from "./device.ts";
import { Lane } from "./lane.ts";
import { LaneTimeout, toAppError } from "./lane-errors.ts";
import type { LaneExit } from "./lane-errors.ts";
import { loadModel, WrongAnswers } from "./load-model.ts";
import { modelRef } from "./manifest.ts";
import type { LaneFigures, Observer } from "./observer.ts";
import type { Registry } from "./registry.ts";
import { withStop } from "./stop-signal.ts";
import { WaitingLine } from "./waiting-line.ts";

const START_TIMEOUT_MS = 60_000;
const CALL_TIMEOUT_MS = 120_000;
const PING_EVERY_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;

/** When a lane that works is replaced all the same. */
export interface RecycleLimits {
  /** After so many calls. */
  calls: number;
  /** When its memory is above this after a call. On a GPU a lane's memory is never given back otherwise. */
  rssBytes: number;
}

export interface PoolOptions {
  /** How many processes run models side by side. */
  count: number;
  /** Threads of one model run in one lane. */
  threads: number;
  device: Device;
  registry: Registry;
  log: Log;
  /** Models that every lane loads before it takes calls. Others are loaded by the first call that needs them. */
  preload?: readonly string[];
  /** How long one call may run, loading its model included. Waiting for a free lane does not count. */
  callTimeoutMs?: number;
  recycle?: RecycleLimits;
  /** How often a lane without work is asked whether it still answers. */
  pingEveryMs?: number;
  pingTimeoutMs?: number;
  /** What the models of one lane may take up, by their files. The one that was used longest ago makes room. */
  modelBytes?: number;
  /** The whole environment of a lane. On a GPU the driver may want `LD_LIBRARY_PATH`. */
  env?: Readonly<Record<string, string>>;
}

/** The processes that run models: as many as were asked for, whatever becomes of each. */
export class LanePool {
  readonly #options: PoolOptions;
  readonly #observer: Observer;
  readonly #lanes = new Set<Lane>();
  readonly #line = new WaitingLine<Lane>();
  readonly #atWork = new Set<Lane>();
  readonly #replacements = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #defunct = new AbortController();
  #pings: NodeJS.Timeout | undefined;
  /** Lanes lost since one last answered. It sets the pause before the next start. */
  #crashes = 0;

  constructor(options: PoolOptions, observer: Observer) {
    this.#options = options;
    this.#observer = observer;
  }

  get pids(): readonly number[] {
    return [...this.#lanes].map((lane) => lane.pid).filter((pid) => pid !== undefined);
  }

  get loaded(): readonly (readonly string[])[] {
    return [...this.#lanes].map((lane) => lane.loaded);
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
    const { count } = this.#options;
    return { wanted: count, alive: this.#lanes.size, busy: this.#atWork.size, ...this.#observer.laneEvents };
  }

  async open(): Promise<void> {
    const { count, preload = [] } = this.#options;
    const starts = await Promise.allSettled(Array.from({ length: count }, () => this.#addLane(preload)));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed !== undefined) throw toAppError(failed.reason);
    this.#pings = setInterval(() => this.#pingIdle(), this.#options.pingEveryMs ?? PING_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    const reason = new AppError("internal", { message: "The inference lanes are closed." });
    clearInterval(this.#pings);
    this.#closing.abort(reason);
    this.#line.failAll(reason);
    await Promise.all([...this.#lanes].map((lane) => lane.kill()));
    await Promise.all(this.#replacements);
  }

  hasLoaded(modelId: string): boolean {
    const ref = modelRef(this.#options.registry.find(modelId));
    return [...this.#lanes].some((lane) => lane.hasLoaded(ref));
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
    this.#line.give(lane);
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
    this.#crashes = 0;
    return done;
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
    if (lane.hasLoaded(modelRef(this.#options.registry.find(modelId)))) return;
    const { registry, device, modelBytes: budgetBytes = Infinity } = this.#options;
    const resolved = await registry.resolve(modelId);
    try {
      await loadModel(lane, resolved, { device, budgetBytes }, stop);
    } catch (error) {
      if (error instanceof WrongAnswers) this.declareDefunct(error);
      throw error;
    }
  }

  /** A lane that hangs without work is found before the next call is. */
  #pingIdle(): void {
    for (let i = this.#lanes.size; i > 0; i--) {
      const lane = this.#line.takeFree();
      if (lane !== undefined) void this.#ping(lane);
    }
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

  async #addLane(preload: readonly string[]): Promise<void> {
    const lane = await this.#bounded([], START_TIMEOUT_MS, (stop) => this.#startLane(preload, stop));
    this.#lanes.add(lane);
    this.#observer.laneEvents.started += 1;
    void lane.exited.then((exit) => this.#onExit(lane, exit));
    if (this.#closing.signal.aborted) return lane.kill();
    this.#line.give(lane);
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
    const { recycle } = this.#options;
    return recycle !== undefined && (calls >= recycle.calls || rssBytes > recycle.rssBytes);
  }

  /** It has answered and has no other call. Its memory is free before its successor asks for some. */
  #recycle(lane: Lane): void {
    const { pid, calls, rssBytes } = lane;
    this.#observer.laneEvents.recycled += 1;
    this.#options.log.info("lane_recycled", { pid, calls, rss_bytes: rssBytes });
    this.#lanes.delete(lane);
    void lane.kill();
  }

  #onExit(lane: Lane, exit: LaneExit): void {
    const wasRecycled = !this.#lanes.delete(lane);
    this.#line.remove(lane);
    if (this.#closing.signal.aborted) return;
    if (!wasRecycled) this.#countLoss(lane, exit);
    // What it had loaded is warm again before the next call.
    const replacement = this.#replaceLane(lane.loaded).finally(() => this.#replacements.delete(replacement));
    this.#replacements.add(replacement);
  }

  #countLoss(lane: Lane, exit: LaneExit): void {
    if (!lane.wasKilled) this.#crashes += 1;
    this.#observer.laneEvents[lane.wasKilled ? "killed" : "crashed"] += 1;
    this.#options.log.warn("lane_ended", { pid: lane.pid, killed: lane.wasKilled, ...describeError(exit) });
  }

  /** Tries until a lane runs again. While none does, those who wait are told, not left to their timeout. */
  async #replaceLane(preload: readonly string[]): Promise<void> {
    let warm = preload;
    while (!this.#closing.signal.aborted) {
      try {
        await delay(backoffMs(this.#crashes), undefined, { signal: this.#closing.signal });
        return await this.#addLane(warm);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#crashes += 1;
        this.#observer.laneEvents.notStarted += 1;
        this.#options.log.error("lane_not_started", describeError(error));
        if (this.#lanes.size === 0) this.#line.failAll(toAppError(error));
        // A model that is gone or kills the lane is told to the call that needs it.
        warm = this.#options.preload ?? [];
      }
    }
  }
}

function backoffMs(crashes: number): number {
  if (crashes === 0) return 0;
  return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (crashes - 1));
}

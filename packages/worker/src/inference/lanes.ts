import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@earshot/shared/domain/errors";
import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { Inference, ModelIdentity, ScanRequest, ScanResult, Tensors } from "./inference.ts";
import { Lane, LaneExit, LaneFailure } from "./lane.ts";
import type { ModelSpec } from "./manifest.ts";
import type { Device } from "./protocol.ts";
import type { Registry } from "./registry.ts";
import { withStop } from "./stop-signal.ts";
import { WaitingLine } from "./waiting-line.ts";

const START_TIMEOUT_MS = 60_000;
const CALL_TIMEOUT_MS = 120_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;

export interface LanesOptions {
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
  /** The whole environment of a lane. On a GPU the driver may want `LD_LIBRARY_PATH`. */
  env?: Readonly<Record<string, string>>;
}

/** The lanes of a worker. `close` leaves no process behind. */
export interface Lanes extends Inference {
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** @throws AppError `model_unavailable` when a model of `preload` is not there, `internal` when a lane does not start. */
export async function createLanes(options: LanesOptions): Promise<Lanes> {
  const lanes = new LanePool(options);
  try {
    await lanes.open();
    return lanes;
  } catch (error) {
    await lanes.close();
    throw error;
  }
}

class LanePool implements Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Set<Lane>();
  readonly #line = new WaitingLine<Lane>();
  readonly #replacements = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** Lanes lost since one last answered. It sets the pause before the next start. */
  #crashes = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  get pids(): readonly number[] {
    return [...this.#lanes].map((lane) => lane.pid).filter((pid) => pid !== undefined);
  }

  async open(): Promise<void> {
    const starts = await Promise.allSettled(
      Array.from({ length: this.#options.count }, () => this.#addLane()),
    );
    const failed = starts.find((start) => start.status === "rejected");
    if (failed !== undefined) throw toAppError(failed.reason);
  }

  identify(modelId: string): ModelIdentity {
    const { id, version } = this.#options.registry.find(modelId);
    return { model: id, version, device: this.#options.device };
  }

  describe(modelId: string): ModelSpec {
    return this.#options.registry.find(modelId);
  }

  async load(modelId: string, signal: AbortSignal): Promise<ModelIdentity> {
    const isLoaded = [...this.#lanes].some((lane) => lane.hasLoaded(modelId));
    if (!isLoaded) await this.#onLane(modelId, signal, async () => {});
    return this.identify(modelId);
  }

  scan(modelId: string, { rows, state }: ScanRequest, signal: AbortSignal): Promise<ScanResult> {
    return this.#onLane(modelId, signal, (lane, stop) =>
      lane.call({ kind: "scan", modelId, rows, state }, stop),
    );
  }

  run(modelId: string, feeds: Tensors, signal: AbortSignal): Promise<Tensors> {
    return this.#onLane(modelId, signal, (lane, stop) => lane.call({ kind: "run", modelId, feeds }, stop));
  }

  async close(): Promise<void> {
    const reason = new AppError("internal", { message: "The inference lanes are closed." });
    this.#closing.abort(reason);
    this.#line.failAll(reason);
    await Promise.all([...this.#lanes].map((lane) => lane.kill()));
    await Promise.all(this.#replacements);
  }

  /** Waits for a free lane and works with it. An abort drops a call that waits; one that runs takes its lane with it. */
  async #onLane<T>(
    modelId: string,
    signal: AbortSignal,
    work: (lane: Lane, stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const lane = await this.#line.take(signal);
    try {
      const timeoutMs = this.#options.callTimeoutMs ?? CALL_TIMEOUT_MS;
      const done = await this.#bounded([signal], timeoutMs, async (stop) => {
        await this.#ensureLoaded(lane, modelId, stop);
        return work(lane, stop);
      });
      this.#crashes = 0;
      return done;
    } catch (error) {
      throw toAppError(error);
    } finally {
      if (lane.isAlive) this.#line.give(lane);
    }
  }

  #bounded<T>(
    signals: readonly AbortSignal[],
    timeoutMs: number,
    work: (stop: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeoutReason = () =>
      new AppError("internal", { message: `An inference lane did not answer within ${timeoutMs} ms.` });
    return withStop({ signals: [this.#closing.signal, ...signals], timeoutMs, timeoutReason }, work);
  }

  /** The hash is checked at every load, so a lane that was replaced does not trust an old check. */
  async #ensureLoaded(lane: Lane, modelId: string, stop: AbortSignal): Promise<void> {
    if (lane.hasLoaded(modelId)) return;
    const { spec, path } = await this.#options.registry.resolve(modelId);
    try {
      await lane.call({ kind: "load", spec, path }, stop);
    } catch (error) {
      if (!(error instanceof LaneFailure)) throw error;
      const message = `Model ${modelId} could not be loaded on ${this.#options.device}: ${error.message}`;
      throw new AppError("model_unavailable", { message, detail: { model: modelId }, cause: error });
    }
  }

  async #addLane(): Promise<void> {
    const lane = await this.#bounded([], START_TIMEOUT_MS, (stop) => this.#startLane(stop));
    this.#lanes.add(lane);
    void lane.exited.then((exit) => this.#onExit(lane, exit));
    if (this.#closing.signal.aborted) return lane.kill();
    this.#line.give(lane);
  }

  async #startLane(stop: AbortSignal): Promise<Lane> {
    const { threads, device, env = {}, preload = [] } = this.#options;
    const lane = await Lane.start({ threads, device, env }, stop);
    try {
      for (const modelId of preload) await this.#ensureLoaded(lane, modelId, stop);
      return lane;
    } catch (error) {
      await lane.kill();
      throw error;
    }
  }

  #onExit(lane: Lane, exit: LaneExit): void {
    this.#lanes.delete(lane);
    this.#line.remove(lane);
    if (this.#closing.signal.aborted) return;
    if (!lane.wasKilled) this.#crashes += 1;
    this.#options.log.warn("lane_ended", { pid: lane.pid, killed: lane.wasKilled, ...describeError(exit) });
    const replacement = this.#replaceLane().finally(() => this.#replacements.delete(replacement));
    this.#replacements.add(replacement);
  }

  /** Tries until a lane runs again. While none does, those who wait are told, not left to their timeout. */
  async #replaceLane(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await delay(backoffMs(this.#crashes), undefined, { signal: this.#closing.signal });
        return await this.#addLane();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#crashes += 1;
        this.#options.log.error("lane_not_started", describeError(error));
        if (this.#lanes.size === 0) this.#line.failAll(toAppError(error));
      }
    }
  }
}

function backoffMs(crashes: number): number {
  if (crashes === 0) return 0;
  return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (crashes - 1));
}

/** What goes wrong in a lane is ours to answer for; anything else, such as the caller's own abort, stays what it is. */
function toAppError(error: unknown): unknown {
  if (error instanceof LaneExit) {
    return new AppError("internal", { message: "The process that runs the models ended.", cause: error });
  }
  if (error instanceof LaneFailure) {
    return new AppError("internal", { message: "A model could not be run.", cause: error });
  }
  return error;
}

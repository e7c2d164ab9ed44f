import { setTimeout as delay } from "node:timers/promises";
import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { Lane } from "./lane.ts";
import { LaneTimeout, toAppError } from "./lane-errors.ts";
import type { LaneExit } from "./lane-errors.ts";
import type { Observer } from "./observer.ts";
import { withStop } from "./stop-signal.ts";

const START_TIMEOUT_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;

export interface SupervisorOptions {
  /** How many lanes there are to be. */
  count: number;
  /** Models that a lane has before it takes calls. */
  preload: readonly string[];
  /** A lane with these models. When `stop` aborts nothing of it is left. */
  start(preload: readonly string[], stop: AbortSignal): Promise<Lane>;
  /** It is there, and free. */
  onLane(lane: Lane): void;
  /** It is gone. */
  onGone(lane: Lane): void;
  /** There is no lane at all, and why. */
  onNone(reason: unknown): void;
  closing: AbortSignal;
  observer: Observer;
  log: Log;
}

/** Keeps as many lanes as there are to be, whatever becomes of each. */
export class LaneSupervisor {
  readonly #options: SupervisorOptions;
  readonly #lanes = new Set<Lane>();
  readonly #replacements = new Set<Promise<void>>();
  #wanted: number;
  /** Lanes lost since one last answered. It sets the pause before the next start. */
  #crashes = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#wanted = options.count;
  }

  get lanes(): ReadonlySet<Lane> {
    return this.#lanes;
  }

  get wanted(): number {
    return this.#wanted;
  }

  /** Whether there are more than there are to be. */
  get hasSurplus(): boolean {
    return this.#lanes.size > this.#wanted;
  }

  /** @throws why one of them did not start. */
  async open(): Promise<void> {
    const { preload } = this.#options;
    const starts = await Promise.allSettled(Array.from({ length: this.#wanted }, () => this.#add(preload)));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed !== undefined) throw toAppError(failed.reason);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes].map((lane) => lane.kill()));
    await Promise.all(this.#replacements);
  }

  /** New ones come at once; those that are too many go when somebody retires them. */
  resize(count: number): void {
    this.#wanted = count;
    const [first] = this.#lanes;
    this.#fill(first?.loaded ?? this.#options.preload);
  }

  /** One has answered: the machine starts lanes that work. */
  noteAnswer(): void {
    this.#crashes = 0;
  }

  /** Ends one that has no call, which is no loss. Its memory is free before its successor asks for some. */
  retire(lane: Lane): void {
    this.#lanes.delete(lane);
    void lane.kill();
  }

  async #add(preload: readonly string[]): Promise<void> {
    const { start, onLane, observer, closing } = this.#options;
    const timeoutReason = () => new LaneTimeout(`An inference lane did not start in ${START_TIMEOUT_MS} ms.`);
    const lane = await withStop({ signals: [closing], timeoutMs: START_TIMEOUT_MS, timeoutReason }, (stop) =>
      start(preload, stop),
    );
    this.#lanes.add(lane);
    observer.laneEvents.started += 1;
    void lane.exited.then((exit) => this.#onExit(lane, exit));
    if (closing.aborted) return lane.kill();
    onLane(lane);
  }

  #onExit(lane: Lane, exit: LaneExit): void {
    const wasRetired = !this.#lanes.delete(lane);
    this.#options.onGone(lane);
    if (this.#options.closing.aborted) return;
    if (!wasRetired) this.#countLoss(lane, exit);
    // What it had loaded is warm again before the next call.
    this.#fill(lane.loaded);
  }

  #countLoss(lane: Lane, exit: LaneExit): void {
    const { observer, log } = this.#options;
    if (!lane.wasKilled) this.#crashes += 1;
    observer.laneEvents[lane.wasKilled ? "killed" : "crashed"] += 1;
    log.warn("lane_ended", { pid: lane.pid, killed: lane.wasKilled, ...describeError(exit) });
  }

  #fill(preload: readonly string[]): void {
    while (!this.#options.closing.aborted && this.#lanes.size + this.#replacements.size < this.#wanted) {
      const replacement = this.#replace(preload).finally(() => {
        this.#replacements.delete(replacement);
        // It may have died again before it was counted.
        this.#fill(preload);
      });
      this.#replacements.add(replacement);
    }
  }

  /** Tries until a lane runs again. While none does, those who wait are told, not left to their timeout. */
  async #replace(preload: readonly string[]): Promise<void> {
    const { closing, observer, log, onNone } = this.#options;
    let warm = preload;
    while (!closing.aborted && this.#lanes.size < this.#wanted) {
      try {
        await delay(backoffMs(this.#crashes), undefined, { signal: closing });
        return await this.#add(warm);
      } catch (error) {
        if (closing.aborted) return;
        this.#crashes += 1;
        observer.laneEvents.notStarted += 1;
        log.error("lane_not_started", describeError(error));
        if (this.#lanes.size === 0) onNone(toAppError(error));
        // A model that is gone or kills the lane is told to the call that needs it.
        warm = this.#options.preload;
      }
    }
  }
}

function backoffMs(crashes: number): number {
  if (crashes === 0) return 0;
  return Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (crashes - 1));
}

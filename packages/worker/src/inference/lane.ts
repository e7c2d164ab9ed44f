import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { LaneExit, LaneFailure } from "./lane-errors.ts";
import { modelRef } from "./manifest.ts";
import type { Device } from "./device.ts";
import type { LaneAnswers, LaneCall, LaneMessage } from "./protocol.ts";

const LANE_MAIN = fileURLToPath(new URL("./lane.main.ts", import.meta.url));
const STDERR_TAIL_CHARS = 2_000;

/**
 * Since 1.29 the official onnxruntime reports every session, with the model's name and hashes, to its vendor.
 * It reads this switch as it is loaded; no later call turns off what it sends at its start.
 */
const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: "1" };

/** The C library hands blocks of this size back to the system as soon as they are free, where it would else keep gaps. */
const NO_HOARDING = { MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "131072" };

export interface LaneOptions {
  /** Threads of one model run. */
  threads: number;
  device: Device;
  /** The whole environment of the lane but for switches of its libraries: no secret of the worker's reaches it. */
  env: Readonly<Record<string, string>>;
}

type Expected = PromiseWithResolvers<LaneMessage>;

/** One child process that runs models, one call at a time. */
export class Lane {
  /** Resolves when the process has ended and was reaped, with how it ended. Never rejects. */
  readonly exited: Promise<LaneExit>;
  readonly #child: ChildProcess;
  /** Bytes by model, the one that was used longest ago first. */
  readonly #loaded = new Map<string, number>();
  #expected: Expected | null = null;
  #calls = 0;
  #rssBytes = 0;
  #exit: LaneExit | null = null;

  /** @throws LaneExit when the process ends before it is ready, or the signal's reason. */
  static async start(options: LaneOptions, signal: AbortSignal): Promise<Lane> {
    signal.throwIfAborted();
    const lane = new Lane(options);
    try {
      await lane.#next(signal);
      return lane;
    } catch (error) {
      await lane.kill();
      throw error;
    }
  }

  private constructor({ threads, device, env }: LaneOptions) {
    this.#child = fork(LANE_MAIN, [String(threads), device], {
      env: { ...env, ...NO_TELEMETRY, ...NO_HOARDING },
      execArgv: ["--expose-gc"],
      serialization: "advanced",
      // A session of its own: a terminal's signals reach the parent alone.
      detached: true,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.on("message", (message: LaneMessage) => this.#expected?.resolve(message));
    this.exited = exitOf(this.#child).then((exit) => {
      this.#exit = exit;
      this.#expected?.reject(exit);
      return exit;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#exit === null && !this.wasKilled;
  }

  /** Whether we ended it, rather than it crashed. */
  get wasKilled(): boolean {
    return this.#child.killed;
  }

  /** Calls that it has answered. */
  get calls(): number {
    return this.#calls;
  }

  /** Its memory at its last answer. */
  get rssBytes(): number {
    return this.#rssBytes;
  }

  /** What its models take up, by their files. */
  get modelBytes(): number {
    return [...this.#loaded.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  get loaded(): readonly string[] {
    return [...this.#loaded.keys()];
  }

  hasLoaded(modelId: string): boolean {
    return this.#loaded.has(modelId);
  }

  /** What must go, longest unused first, so that a model of so many bytes fits into the budget; all of it if none else does. */
  toEvictFor(bytes: number, budgetBytes: number): string[] {
    let used = bytes + this.modelBytes;
    return [...this.#loaded].flatMap(([modelId, size]) => {
      if (used <= budgetBytes) return [];
      used -= size;
      return [modelId];
    });
  }

  /**
   * Asks the lane and awaits its answer. Nothing stops a running model but the end of its process, so an
   * abort kills the lane.
   * @throws LaneFailure what the lane could not do, LaneExit when it died of it, or the signal's reason.
   */
  async call<Call extends LaneCall>(call: Call, signal: AbortSignal): Promise<LaneAnswers[Call["kind"]]> {
    signal.throwIfAborted();
    // On a closed channel the callback hears of it, and the exit that follows ends the wait below.
    this.#child.send(call, () => {});
    const message = await this.#next(signal);
    this.#calls += 1;
    if (message.kind === "answer") this.#rssBytes = message.rssBytes;
    if (message.kind === "failure") throw new LaneFailure(message.message);
    this.#note(call);
    return answerTo<Call>(message);
  }

  #note(call: LaneCall): void {
    if (call.kind === "load") this.#loaded.set(modelRef(call.spec), call.bytes);
    if (call.kind === "unload") this.#loaded.delete(call.modelId);
    if (call.kind === "run" || call.kind === "scan" || call.kind === "generate") {
      const bytes = this.#loaded.get(call.modelId) ?? 0;
      this.#loaded.delete(call.modelId);
      this.#loaded.set(call.modelId, bytes);
    }
  }

  /** Ends the process at once, whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  async #next(signal: AbortSignal): Promise<LaneMessage> {
    if (this.#exit !== null) throw this.#exit;
    const expected = Promise.withResolvers<LaneMessage>();
    const stop = () => {
      this.#child.kill("SIGKILL");
      expected.reject(signal.reason);
    };
    this.#expected = expected;
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await expected.promise;
    } finally {
      this.#expected = null;
      signal.removeEventListener("abort", stop);
    }
  }
}

/** The lane answers each call with what its kind is answered with (see `answer` in lane.main.ts). */
function answerTo<Call extends LaneCall>(message: LaneMessage): LaneAnswers[Call["kind"]] {
  if (message.kind !== "answer") throw new LaneFailure(`said ${message.kind} where an answer was due`);
  return message.answer as LaneAnswers[Call["kind"]];
}

function exitOf(child: ChildProcess): Promise<LaneExit> {
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARS);
  });
  return new Promise((resolve) => {
    child.on("error", (cause) => {
      if (child.pid === undefined) resolve(new LaneExit("The lane could not be started.", { cause }));
    });
    child.on("close", (status, signalName) => {
      const how = signalName ?? `status ${status}`;
      resolve(
        new LaneExit(`The lane ended with ${how}.`, tail === "" ? undefined : { cause: new Error(tail) }),
      );
    });
  });
}

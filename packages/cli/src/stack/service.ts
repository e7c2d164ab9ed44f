import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import { describeExit, startService } from "./service-process.ts";
import type { ServiceContext, ServiceProcess, ServiceSpec } from "./service-process.ts";

export interface SupervisorContext extends ServiceContext {
  log: Log;
  /** Told what the person at the terminal should know. */
  onNotice(notice: string): void;
}

const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 10_000;
// One that ran this long has got over what it died of.
const HEALTHY_AFTER_MS = 30_000;

/** A process that is started again whenever it dies, until it is stopped. */
export class Service {
  readonly #spec: ServiceSpec;
  readonly #context: SupervisorContext;
  readonly #stopping = new AbortController();
  readonly #supervision: Promise<void>;
  readonly #ready: unknown;
  #current: ServiceProcess;

  /** @throws ServiceNotReady when it doesn't even start for the first time, or the signal's reason. */
  static async start(spec: ServiceSpec, context: SupervisorContext, signal: AbortSignal): Promise<Service> {
    const first = await startService(spec, context, signal);
    context.log.info("service_ready", { name: spec.name, pid: first.pid });
    return new Service(spec, context, first);
  }

  private constructor(spec: ServiceSpec, context: SupervisorContext, first: ServiceProcess) {
    this.#spec = spec;
    this.#context = context;
    this.#current = first;
    this.#ready = first.ready;
    this.#supervision = this.#supervise();
  }

  /** Its first message, when it started for the first time. */
  get ready(): unknown {
    return this.#ready;
  }

  get name(): string {
    return this.#spec.name;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.name} is stopped.`));
    await Promise.all([this.#current.stop(), this.#supervision]);
    // One that became ready in this very moment.
    await this.#current.stop();
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    for (let deaths = 0; !signal.aborted; deaths++) {
      const startedAt = performance.now();
      const exit = await this.#current.exited;
      if (signal.aborted) return;
      if (performance.now() - startedAt > HEALTHY_AFTER_MS) deaths = 0;
      this.#context.log.warn("service_died", { name: this.name, exit: describeExit(exit) });
      this.#context.onNotice(`${this.name} ended with ${describeExit(exit)} and is started again`);
      await pause(pauseMs(deaths), signal);
      await this.#startAgain(signal);
    }
  }

  async #startAgain(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        this.#current = await startService(this.#spec, this.#context, signal);
        this.#context.log.info("service_restarted", { name: this.name, pid: this.#current.pid });
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#context.log.error("service_not_restarted", { name: this.name, ...describeError(error) });
        await pause(pauseMs(failures), signal);
      }
    }
  }
}

function pauseMs(failures: number): number {
  return Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
}

/** Starts several side by side, and answers them in order; if one doesn't start, none runs. */
export async function startTogether<const Specs extends readonly ServiceSpec[]>(
  specs: Specs,
  context: SupervisorContext,
  signal: AbortSignal,
): Promise<{ [Index in keyof Specs]: Service }> {
  const starts = specs.map((spec) => Service.start(spec, context, signal));
  try {
    // Promise.all keeps the length and the order.
    return (await Promise.all(starts)) as { [Index in keyof Specs]: Service };
  } catch (error) {
    const settled = await Promise.allSettled(starts);
    await Promise.all(settled.map((start) => (start.status === "fulfilled" ? start.value.stop() : null)));
    throw error;
  }
}

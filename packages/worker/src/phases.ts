/** What a job's time goes to. `decode` is everything between file and results that isn't spent waiting for a lane. */
export type Phase = "fetch" | "decode" | "infer" | "commit";

export interface PhaseSpan {
  phase: Phase;
  startedAt: Date;
  seconds: number;
}

/** Measures the phases of one attempt. Calls to the lanes overlap with each other and with the decoder: each moment counts once. */
export class PhaseClock {
  readonly #spans: PhaseSpan[] = [];
  #calls = 0;
  #busySince = 0;
  #busyMs = 0;

  /** Times `work`, whether it succeeds or not. */
  async time<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const startedAt = new Date();
    const started = performance.now();
    const busyBefore = this.#busyMs;
    try {
      return await work();
    } finally {
      const inferMs = phase === "decode" ? this.#busyMs - busyBefore : 0;
      const seconds = (performance.now() - started - inferMs) / 1_000;
      this.#spans.push({ phase, startedAt, seconds: Math.max(0, seconds) });
      if (phase === "decode") this.#spans.push({ phase: "infer", startedAt, seconds: inferMs / 1_000 });
    }
  }

  /** Those that were entered, in order. */
  get spans(): readonly PhaseSpan[] {
    return this.#spans;
  }

  /** The same object, whose answers count as time in the lanes until they have come. */
  watch<T extends object>(lanes: T): T {
    return new Proxy(lanes, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const answer: unknown = Reflect.apply(member, target, args);
          if (answer instanceof Promise) void this.#busyUntil(answer);
          return answer;
        };
      },
    });
  }

  async #busyUntil(answer: Promise<unknown>): Promise<void> {
    if (this.#calls++ === 0) this.#busySince = performance.now();
    // Whoever made the call handles its error.
    await Promise.allSettled([answer]);
    if (--this.#calls === 0) this.#busyMs += performance.now() - this.#busySince;
  }
}

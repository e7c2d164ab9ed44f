/** A stopwatch over the decoder alone: it stands still while any consumer is at work. */
export class Patience {
  readonly #spent = new AbortController();
  readonly #onSpent: () => unknown;
  #leftMs: number;
  #busyConsumers = 0;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `reason` makes what `signal` aborts with when the budget is spent. */
  constructor(budgetMs: number, reason: () => unknown) {
    this.#leftMs = budgetMs;
    this.#onSpent = reason;
    this.#start();
  }

  get signal(): AbortSignal {
    return this.#spent.signal;
  }

  /** Runs `consume` off the clock. */
  async whileConsuming<T>(consume: () => T | Promise<T>): Promise<T> {
    if (this.#busyConsumers === 0) this.#pause();
    this.#busyConsumers += 1;
    try {
      return await consume();
    } finally {
      this.#busyConsumers -= 1;
      if (this.#busyConsumers === 0) this.#start();
    }
  }

  stop(): void {
    this.#busyConsumers = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => this.#spent.abort(this.#onSpent()), Math.max(0, this.#leftMs));
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#startedAt;
  }
}

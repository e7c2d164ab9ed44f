interface Waiter<T> {
  serve(free: T): void;
  fail(error: unknown): void;
}

/** Things that are free, and those who wait for one: first come, first served. */
export class WaitingLine<T> {
  readonly #free: T[] = [];
  readonly #waiters: Waiter<T>[] = [];

  /** Takes one out, at once or when one is given. @throws the signal's reason, or what `failAll` was told. */
  async take(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const free = this.#free.shift();
    if (free !== undefined) return free;
    return this.#wait(signal);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Takes out all that nobody waits for. */
  takeAllFree(): T[] {
    return this.#free.splice(0);
  }

  /** Puts one in: to whoever waits longest, if anybody does. */
  give(free: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#free.push(free);
    else waiter.serve(free);
  }

  /** Takes this one out for good, if it is free. */
  remove(gone: T): void {
    removeFrom(this.#free, gone);
  }

  /** Sends everybody who waits away. */
  failAll(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.fail(error);
  }

  #wait(signal: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = { serve: resolve, fail: reject };
    const leave = () => {
      removeFrom(this.#waiters, waiter);
      reject(signal.reason);
    };
    this.#waiters.push(waiter);
    signal.addEventListener("abort", leave, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }
}

function removeFrom<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}

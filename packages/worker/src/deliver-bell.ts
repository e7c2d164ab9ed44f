/** Wakes one loop. A ring that comes while nobody waits is kept, and several rings are one. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `ms`, or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake = () => {};

  function ring(): void {
    rung = true;
    wake();
  }

  async function wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      wake = resolve;
      signal.addEventListener("abort", ring, { once: true });
      await promise;
      signal.removeEventListener("abort", ring);
      clearTimeout(timer);
    }
    rung = false;
  }

  return { ring, wait };
}

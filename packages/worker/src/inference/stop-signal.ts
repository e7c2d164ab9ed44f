export interface Stop {
  /** Stops when one of these does, with its reason. */
  signals: readonly AbortSignal[];
  /** Stops after this long, with `timeoutReason()`. */
  timeoutMs: number;
  timeoutReason: () => unknown;
}

/**
 * Runs `work` under one signal of its own. Unlike `AbortSignal.any` and `AbortSignal.timeout` nothing of it
 * outlives the work: a lane does thousands of calls under one job's signal.
 */
export async function withStop<T>(stop: Stop, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const listeners = stop.signals.map((signal) => follow(signal, controller));
  const timer = setTimeout(() => controller.abort(stop.timeoutReason()), stop.timeoutMs);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const unfollow of listeners) unfollow();
  }
}

function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

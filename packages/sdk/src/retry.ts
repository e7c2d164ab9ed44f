import { ApiError, ConnectionError } from "./errors.ts";

export interface RetryOptions {
  /** After the first one. Default 4. */
  retries?: number | undefined;
  /** Before the first retry; it doubles with each. Default 500. */
  firstPauseMs?: number | undefined;
}

export const LONGEST_PAUSE_MS = 30_000;

/** Who is asked to stay away for longer is told so by the error. */
const LONGEST_RETRY_AFTER_SECONDS = 120;

/**
 * Runs `attempt` again while the network or the server is at fault, not the request. Throws what the last one threw, or
 * the signal's reason.
 */
export async function withRetries<Answer>(
  attempt: () => Promise<Answer>,
  { retries = 4, firstPauseMs = 500 }: RetryOptions,
  signal?: AbortSignal,
): Promise<Answer> {
  for (let count = 0; ; count++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (count >= retries || !mayPass(error)) throw error;
      await pause(pauseMs(error, firstPauseMs * 2 ** count), signal);
    }
  }
}

/** Between half and all of the pause, and never more than the longest one; but `Retry-After` is kept to. */
function pauseMs(error: unknown, plannedMs: number): number {
  const asked = error instanceof ApiError ? error.retryAfterSeconds : null;
  const backOffMs = Math.min(plannedMs, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
  // A little later each: all who were sent away together come back apart.
  return asked === null ? backOffMs : asked * 1_000 * (1 + Math.random() / 10);
}

function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (!(error instanceof ApiError)) return false;
  if ((error.retryAfterSeconds ?? 0) > LONGEST_RETRY_AFTER_SECONDS) return false;
  return error.status >= 500 || error.status === 429 || error.code === "idempotency_in_flight";
}

/** @throws the signal's reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
  });
  signal?.throwIfAborted();
}

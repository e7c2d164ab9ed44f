import { pause } from "@earshot/shared/pause";
import { jittered } from "@earshot/shared/domain/backoff";
import type { Random } from "@earshot/shared/domain/backoff";
import { ApiRefusal, ApiUnreachable } from "./api-error.ts";

export interface RetryPolicy {
  attempts: number;
  /** Before the second attempt; it doubles after each. */
  firstPauseMs: number;
  random: Random;
}

export const PATIENT: RetryPolicy = { attempts: 5, firstPauseMs: 300, random: Math.random };

const LONGEST_PAUSE_MS = 60_000;

/** Runs `attempt` again when the network or the server, not the request, was at fault. Throws what the last one threw. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts, firstPauseMs, random }: RetryPolicy,
  signal: AbortSignal,
): Promise<T> {
  for (let count = 1; ; count++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (count >= attempts || !mayPass(error)) throw error;
      const asked = error instanceof ApiRefusal ? error.retryAfterSeconds : null;
      const pauseMs = asked === null ? jittered(firstPauseMs * 2 ** (count - 1), random) : asked * 1_000;
      await pause(Math.min(pauseMs, LONGEST_PAUSE_MS), signal);
    }
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof ApiUnreachable) return true;
  if (!(error instanceof ApiRefusal)) return false;
  return error.status >= 500 || error.code === "rate_limited" || error.code === "idempotency_in_flight";
}

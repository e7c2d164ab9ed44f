/** A number in [0, 1), as Math.random gives. */
export type Random = () => number;

/** Seconds before each attempt of a webhook delivery: at once, then over three days. */
export const DELIVERY_SCHEDULE_SECONDS = [
  0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
] as const;

/**
 * Seconds to wait after `attempt` (1-based) failed, or null when the schedule is used up.
 * Jitter is ±10 %, so that a receiver that comes back is not met by all its deliveries at once.
 */
export function deliveryDelaySeconds(attempt: number, random: Random): number | null {
  const base = DELIVERY_SCHEDULE_SECONDS[attempt];
  if (base === undefined) return null;
  return base * (0.9 + 0.2 * random());
}

/** Seconds before a job whose `attempt` (1-based) failed in a retryable way may be claimed again: 5 s, 10 s, 20 s … ≤ 300 s, ±10 %. */
export function retryDelaySeconds(attempt: number, random: Random): number {
  return Math.min(300, 5 * 2 ** (attempt - 1)) * (0.9 + 0.2 * random());
}

/** `periodMs` ± 20 %. */
export function jittered(periodMs: number, random: Random): number {
  return periodMs * (0.8 + 0.4 * random());
}

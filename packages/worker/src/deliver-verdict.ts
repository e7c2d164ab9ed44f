import type { Verdict } from "@earshot/shared/db/webhooks/record-attempt";
import type { Random } from "@earshot/shared/domain/backoff";
import { deliveryDelaySeconds } from "@earshot/shared/domain/backoff";
import type { EventType } from "@earshot/shared/domain/events";

/** No receiver may put a delivery off for longer than this by its `Retry-After`. */
const LONGEST_RETRY_AFTER_SECONDS = 86_400;

/**
 * What becomes of a delivery after its `attempt` (1-based). 2xx is success, and 410 the end of its endpoint; anything else, a
 * redirect, a refused target and silence (`statusCode` null) alike, is tried again until the schedule is used up. A test is
 * sent once, and says nothing about the endpoint but that.
 */
export function verdictOf(
  answer: { statusCode: number | null; retryAfterSeconds: number | null },
  { type, attempt }: { type: EventType; attempt: number },
  random: Random,
): Verdict {
  const { statusCode, retryAfterSeconds } = answer;
  if (statusCode !== null && statusCode >= 200 && statusCode < 300) return { status: "succeeded" };
  if (statusCode === 410) return { status: "failed", disables: "gone" };
  if (type === "webhook.test") return { status: "failed" };
  const scheduledSeconds = deliveryDelaySeconds(attempt, random);
  if (scheduledSeconds === null) return { status: "failed", disables: "exhausted" };
  const askedSeconds = Math.min(retryAfterSeconds ?? 0, LONGEST_RETRY_AFTER_SECONDS);
  return { status: "retry", delaySeconds: Math.max(scheduledSeconds, askedSeconds) };
}

/** Seconds from `now` that a `Retry-After` header asks for (RFC 9110 §10.2.3: seconds, or a date), or null when it says nothing usable. */
export function parseRetryAfter(header: string | undefined, now: Date): number | null {
  const value = header?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  // Date.parse takes nearly anything; every form of an HTTP date begins with the day's name.
  const atMs = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, (atMs - now.getTime()) / 1_000);
}

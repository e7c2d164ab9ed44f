import fc from "fast-check";
import { expect, test } from "vitest";
import { takeFrom } from "./rate-window.ts";
import type { RateWindow, Taken } from "./rate-window.ts";

const LIMIT = { limit: 10, windowSeconds: 60 };

/** A bucket that is asked at times in seconds. */
function bucket({ limit, windowSeconds } = LIMIT) {
  let window: RateWindow | null = null;
  return (atSeconds: number, cost = 1): Taken => {
    const result = takeFrom(window, { limit, windowSeconds, cost }, atSeconds * 1000);
    window = result.window;
    return result.taken;
  };
}

test("so much and no more is allowed from the first request on", () => {
  const take = bucket();
  const allowed = Array.from({ length: 15 }, (_, index) => take(1_000 + index).isAllowed);
  expect(allowed.filter(Boolean)).toHaveLength(10);
  expect(take(1_059.9).isAllowed).toBe(false);
});

test("what is left, and until when the window goes, is said each time", () => {
  const take = bucket();
  expect(take(5)).toEqual({ isAllowed: true, remaining: 9, resetSeconds: 60, retryAfterSeconds: 0 });
  expect(take(35, 9)).toEqual({ isAllowed: true, remaining: 0, resetSeconds: 30, retryAfterSeconds: 0 });
  expect(take(35)).toMatchObject({ isAllowed: false, remaining: 0 });
});

test("the edge of a window does not double the limit: the window before fades", () => {
  const take = bucket();
  take(0);
  take(59, 9);
  expect(take(60).isAllowed).toBe(false);
  expect(take(66).isAllowed).toBe(true);
  expect(take(66).isAllowed).toBe(false);
  expect(take(90, 4).isAllowed).toBe(true);
});

test("a bucket that rested is full", () => {
  const take = bucket();
  take(0, 10);
  expect(take(120, 10).isAllowed).toBe(true);
  expect(take(121).isAllowed).toBe(false);
});

test("what is refused costs nothing, and more than the limit is never allowed", () => {
  const take = bucket();
  expect(take(0, 11).isAllowed).toBe(false);
  expect(take(0, 10).isAllowed).toBe(true);
});

test("who comes back when told is let in, and would not have been a second and a half before", () => {
  const times = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 10 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(times, (asked) => {
      const take = bucket();
      for (const [at, cost] of asked.toSorted(([a], [b]) => a - b)) {
        const taken = take(at, cost);
        if (taken.isAllowed) continue;
        const wait = taken.retryAfterSeconds;
        expect(wait).toBeLessThanOrEqual(2 * LIMIT.windowSeconds);
        if (wait > 1.5) expect(take(at + wait - 1.5, cost).isAllowed).toBe(false);
        expect(take(at + wait, cost).isAllowed).toBe(true);
        return;
      }
    }),
  );
});

test("over any whole window, never more than the limit and what the window before had left to fade", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(gaps, (steps) => {
      const take = bucket();
      const allowedAt: number[] = [];
      let now = 0;
      for (const step of steps) {
        now += step;
        if (take(now).isAllowed) allowedAt.push(now);
      }
      for (const from of allowedAt) {
        const within = allowedAt.filter((at) => at >= from && at < from + LIMIT.windowSeconds);
        expect(within.length).toBeLessThan(2 * LIMIT.limit);
      }
    }),
  );
});

test("a server whose clock is behind does not open the bucket", () => {
  const take = bucket();
  take(100, 10);
  expect(take(95).isAllowed).toBe(false);
  expect(take(95).resetSeconds).toBeLessThanOrEqual(65);
});

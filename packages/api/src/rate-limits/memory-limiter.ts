import { takeFrom } from "@earshot/shared/domain/rate-window";
import type { RateWindow, Taken } from "@earshot/shared/domain/rate-window";
import type { RateLimiter, TakeRequest } from "./rate-limiter.ts";

interface Bucket {
  window: RateWindow;
  staleAtMs: number;
}

/** Buckets are forgotten when they are full again; so many may come before anybody looks for those. */
const LOOK_EVERY = 10_000;

/** Counts in this process alone. A restart fills every bucket. */
export class MemoryLimiter implements RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  #lookAt = LOOK_EVERY;

  take(request: TakeRequest, now: Date): Promise<Taken> {
    return Promise.resolve(this.takeNow(request, now.getTime()));
  }

  takeNow({ owner, bucket, cost, limit, windowSeconds }: TakeRequest, nowMs: number): Taken {
    const key = `${owner} ${bucket}`;
    const before = this.#buckets.get(key)?.window ?? null;
    const { window, taken } = takeFrom(before, { limit, windowSeconds, cost }, nowMs);
    this.#buckets.set(key, { window, staleAtMs: window.startMs + 2 * windowSeconds * 1000 });
    if (this.#buckets.size > this.#lookAt) this.#forgetStale(nowMs);
    return taken;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #forgetStale(nowMs: number): void {
    for (const [key, { staleAtMs }] of this.#buckets) if (nowMs >= staleAtMs) this.#buckets.delete(key);
    this.#lookAt = this.#buckets.size + LOOK_EVERY;
  }
}

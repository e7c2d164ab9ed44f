import type { RateLimit, Taken } from "@earshot/shared/domain/rate-window";

export interface TakeRequest extends RateLimit {
  /** Whose the bucket is: an account's id, or `ip:` and a network. What one owner takes is counted in one place. */
  owner: string;
  /** Which of the owner's buckets. */
  bucket: string;
  cost: number;
}

/** Where requests are counted: in this process, in Postgres for several, in a Durable Object an owner at the edge. */
export interface RateLimiter {
  /** Exact under any concurrency: a bucket never gives more than its limit. */
  take(request: TakeRequest, now: Date): Promise<Taken>;
}

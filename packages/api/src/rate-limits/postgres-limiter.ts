import type { Database } from "@earshot/shared/db/database";
import { takeRate } from "@earshot/shared/db/rate-windows";
import type { RateLimiter } from "./rate-limiter.ts";

/** Counts in Postgres, for several servers together. */
export function postgresLimiter(db: Database): RateLimiter {
  return {
    take: ({ owner, bucket, ...request }, now) =>
      takeRate(db, { key: `${owner} ${bucket}`, ...request }, now),
  };
}

import type { RateLimit } from "@earshot/shared/domain/rate-window";

/** `req` is for all that an account asks, `write` and `submit` for a part of it; the others are an address's. */
export interface RateLimits {
  req: RateLimit;
  read: RateLimit;
  write: RateLimit;
  submit: RateLimit;
  /** Requests to sign in or for a token, of one address. */
  auth: RateLimit;
  /** Credentials that were refused, of one address. */
  failed: RateLimit;
}

export const RATE_LIMITS: RateLimits = {
  req: { limit: 600, windowSeconds: 60 },
  read: { limit: 600, windowSeconds: 60 },
  write: { limit: 300, windowSeconds: 60 },
  submit: { limit: 600, windowSeconds: 60 },
  auth: { limit: 60, windowSeconds: 60 },
  failed: { limit: 30, windowSeconds: 60 },
};

export type RateClass = "read" | "write" | "submit";

const SUBMITS = /^\/v1\/(jobs|jobs\/[^/]+\/retry|audio\/transcriptions)$/;

export function rateClassOf(method: string, path: string): RateClass {
  if (method === "GET" || method === "HEAD") return "read";
  return method === "POST" && SUBMITS.test(path) ? "submit" : "write";
}

/** `req=600/60,submit=100/60`: requests in seconds. What isn't named keeps its default. @throws TypeError */
export function parseRateLimits(text: string): RateLimits {
  const limits = { ...RATE_LIMITS };
  for (const part of text.split(",")) {
    const [, name = "", limit, seconds] = /^\s*(\w+)=(\d{1,9})\/(\d{1,5})\s*$/.exec(part) ?? [];
    const parsed = { limit: Number(limit), windowSeconds: Number(seconds) };
    if (!isName(name) || !(parsed.limit > 0 && parsed.windowSeconds > 0)) throw new TypeError("not a limit");
    limits[name] = parsed;
  }
  return limits;
}

function isName(name: string): name is keyof RateLimits {
  return Object.hasOwn(RATE_LIMITS, name);
}

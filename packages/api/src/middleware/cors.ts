import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "../env.ts";

export interface CorsPolicy {
  /** `https://app.example.com`: whole origins, each written as browsers send it. */
  origins: readonly string[];
}

const METHODS = "GET, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, X-Amz-Checksum-Sha256, X-Request-Id, traceparent";
const ANSWER_HEADERS =
  "ETag, Idempotent-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id";
const PREFLIGHT_KEPT_SECONDS = 600;

/** Browsers show an answer to pages of the listed origins alone; those may send cookies, too. */
export function cors({ origins }: CorsPolicy): MiddlewareHandler<AppEnv> {
  return async function cors(c, next) {
    const origin = c.req.header("Origin") ?? "";
    const isListed = origins.includes(origin);
    if (isListed && isPreflight(c)) c.res = c.body(null, 204, preflightHeaders());
    else await next();
    if (origins.length > 0) c.res.headers.append("Vary", "Origin");
    if (!isListed) return;
    c.res.headers.set("Access-Control-Allow-Origin", origin);
    c.res.headers.set("Access-Control-Allow-Credentials", "true");
    c.res.headers.set("Access-Control-Expose-Headers", ANSWER_HEADERS);
    c.res.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  };
}

function isPreflight(c: AppContext): boolean {
  return c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined;
}

function preflightHeaders(): Record<string, string> {
  return {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": REQUEST_HEADERS,
    "Access-Control-Max-Age": String(PREFLIGHT_KEPT_SECONDS),
  };
}

import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { spanFields } from "@earshot/shared/tracing/span-record";
import type { Log } from "@earshot/shared/log";
import type { AppContext, AppEnv } from "../env.ts";

/** One wide event per request: the route's pattern, never its query string, its body or a key. */
export function requestEvent({ log }: { log: Log }): MiddlewareHandler<AppEnv> {
  return async function requestEvent(c, next) {
    const startedAt = performance.now();
    await next();
    const level = c.res.status >= 500 ? "error" : "info";
    log[level]("request", {
      request_id: c.var.requestId,
      ...spanFields(c.var.span),
      method: c.req.method,
      route: patternOf(c),
      status: c.res.status,
      duration_ms: Math.round((performance.now() - startedAt) * 10) / 10,
      ...c.var.facts,
    });
  };
}

/** The route's own pattern: what is only passed on the way is there for every method, and comes after the open routes too. */
export function patternOf(c: AppContext): string {
  return routeOf(c)?.path ?? "unmatched";
}

export function routeOf(c: AppContext) {
  return matchedRoutes(c).findLast(({ method }) => method !== "ALL");
}

import type { MiddlewareHandler } from "hono";
import { beginSpan, traceparentOf } from "@earshot/shared/crypto/trace";
import type { AppEnv } from "../env.ts";

/** The caller's trace goes on through the queue to the worker and the webhook, each with a span of its own; without one, a trace begins here. */
export function traceparent(): MiddlewareHandler<AppEnv> {
  return async function traceparent(c, next) {
    const span = beginSpan(c.req.header("traceparent"));
    c.set("span", span);
    c.set("traceparent", traceparentOf(span));
    await next();
  };
}

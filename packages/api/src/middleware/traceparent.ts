import type { MiddlewareHandler } from "hono";
import { randomBytes, toHex } from "@earshot/shared/crypto/bytes";
import type { AppEnv } from "../env.ts";

// W3C Trace Context, section 3.2; ids of only zeros are not valid.
const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's trace goes on through the queue to the worker and the webhook; without one, a trace begins here. */
export function traceparent(): MiddlewareHandler<AppEnv> {
  return async function traceparent(c, next) {
    const incoming = c.req.header("traceparent") ?? "";
    c.set("traceparent", VALID.test(incoming) ? incoming : newTraceparent());
    await next();
  };
}

function newTraceparent(): string {
  return `00-${toHex(randomBytes(16))}-${toHex(randomBytes(8))}-01`;
}

import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../../env.ts";
import { readBody } from "../../middleware/read-body.ts";
import { strictJson } from "../../middleware/strict-json.ts";

/** What somebody without a credential may bring. */
const OPEN_BODY = { maxBytes: () => 8 * 1024 };

/** Reads the body of a route that is open to all, as far as it may go. */
export function openBody(): [MiddlewareHandler<AppEnv>, MiddlewareHandler<AppEnv>] {
  return [readBody(OPEN_BODY), strictJson()];
}

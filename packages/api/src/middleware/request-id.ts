import type { MiddlewareHandler } from "hono";
import { randomBytes, toHex } from "@earshot/shared/crypto/bytes";
import type { AppEnv } from "../env.ts";

const SANE = /^[A-Za-z0-9._:-]{8,128}$/;

/** One id for the answer, the log and the job: the caller's if it has a sane form. */
export function requestId(): MiddlewareHandler<AppEnv> {
  return async function requestId(c, next) {
    const incoming = c.req.header("X-Request-Id") ?? "";
    const id = SANE.test(incoming) ? incoming : `req_${toHex(randomBytes(12))}`;
    c.set("requestId", id);
    c.set("facts", {});
    await next();
    c.res.headers.set("X-Request-Id", id);
  };
}

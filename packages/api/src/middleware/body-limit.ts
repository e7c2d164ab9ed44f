import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { AppContext, AppEnv } from "../env.ts";

export interface BodyLimit {
  /** What a request of this kind may bring. */
  maxBytes: (c: AppContext) => number;
}

/** Refuses a body that says itself that it is too large, before anything is asked of the database. */
export function bodyLimit({ maxBytes }: BodyLimit): MiddlewareHandler<AppEnv> {
  return async function bodyLimit(c, next) {
    const most = maxBytes(c);
    if (Number(c.req.header("Content-Length") ?? 0) > most) throw bodyTooLarge(most);
    await next();
  };
}

export function bodyTooLarge(maxBytes: number): AppError {
  return new AppError("body_too_large", { message: `The body may have ${maxBytes} bytes.` });
}

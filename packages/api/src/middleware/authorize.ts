import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { Scope } from "@earshot/shared/domain/scopes";
import type { AppEnv } from "../env.ts";
import { hasScope } from "../principal.ts";

/** Part of each route's contract: what its caller must be allowed to do. */
export function authorize(scope: Scope): MiddlewareHandler<AppEnv> {
  return async function authorize(c, next) {
    if (!hasScope(c.var.principal, scope)) {
      throw new AppError("forbidden", { message: `This credential lacks the scope ${scope}.` });
    }
    await next();
  };
}

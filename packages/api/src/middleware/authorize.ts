import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { Scope } from "@earshot/shared/domain/scopes";
import type { AppEnv } from "../env.ts";
import { hasScope } from "../principal.ts";

/** Says itself which scope it asks for: the OpenAPI document and the suite over all routes read it. */
export type Authorize = MiddlewareHandler<AppEnv> & { readonly requiredScope: Scope };

/** Part of each route's contract: what its caller must be allowed to do. */
export function authorize(scope: Scope): Authorize {
  const handler: MiddlewareHandler<AppEnv> = async function authorize(c, next) {
    if (!hasScope(c.var.principal, scope)) {
      throw new AppError("forbidden", { message: `This credential lacks the scope ${scope}.` });
    }
    await next();
  };
  return Object.assign(handler, { requiredScope: scope });
}

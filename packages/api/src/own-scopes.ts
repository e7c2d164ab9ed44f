import { AppError } from "@earshot/shared/domain/errors";
import { EVERY_SCOPE, isScope, SCOPES } from "@earshot/shared/domain/scopes";
import { hasScope } from "./principal.ts";
import type { Principal } from "./principal.ts";

/** Nobody hands out what he does not hold himself. @throws AppError `forbidden` that names the scope. */
export function refuseBroader(principal: Pick<Principal, "scopes">, scopes: readonly string[]): void {
  const beyond = scopes.find((scope) => !holds(principal, scope));
  if (beyond === undefined) return;
  throw new AppError("forbidden", {
    message: `This credential does not hold the scope ${beyond}, and can't hand it out.`,
  });
}

function holds(principal: Pick<Principal, "scopes">, scope: string): boolean {
  if (scope === EVERY_SCOPE) return SCOPES.every((each) => hasScope(principal, each));
  return isScope(scope) && hasScope(principal, scope);
}

import { AppError } from "@earshot/shared/domain/errors";
import { allowsAll } from "@earshot/shared/domain/scopes";
import type { Principal } from "./principal.ts";

/** Nobody hands out what he does not hold himself. @throws AppError `forbidden` that names the scope. */
export function refuseBroader(principal: Pick<Principal, "scopes">, scopes: readonly string[]): void {
  const beyond = scopes.find((scope) => !allowsAll(principal.scopes, [scope]));
  if (beyond === undefined) return;
  throw new AppError("forbidden", {
    message: `This credential does not hold the scope ${beyond}, and can't hand it out.`,
  });
}

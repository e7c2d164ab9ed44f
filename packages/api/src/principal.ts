import type { AppContext } from "./env.ts";

export const SCOPES = ["jobs:read", "jobs:write"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who makes a request, however that was proven. Every query of a route is bounded by `accountId`. */
export interface Principal {
  accountId: string;
  keyId: string;
  scopes: readonly string[];
}

/** Turns a bearer credential into the one who holds it; null when it is not of this resolver's kind or not valid. */
export type PrincipalResolver = (credential: string, c: AppContext) => Promise<Principal | null>;

/** `*` holds every scope. */
export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope) || principal.scopes.includes("*");
}

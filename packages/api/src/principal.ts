import type { AppContext } from "./env.ts";

export const SCOPES = [
  "jobs:read",
  "jobs:write",
  "uploads:write",
  "webhooks:read",
  "webhooks:write",
  "events:read",
  "keys:read",
  "keys:write",
  "members:read",
  "members:write",
  "audit:read",
  "account:read",
  "account:write",
] as const;
export type Scope = (typeof SCOPES)[number];

export const ROLES = ["owner", "admin", "member", "viewer"] as const;
export type Role = (typeof ROLES)[number];

/** What was shown to prove who calls, and the id of that: a key's, a session's, a token's `jti`, an issuer's subject. */
export interface Actor {
  kind: "api_key" | "session" | "token" | "oidc";
  id: string;
}

/** Who makes a request, however that was proven. Every query of a route is bounded by `accountId`. */
export interface Principal {
  accountId: string;
  actor: Actor;
  /** Of the member, where a person calls. */
  role?: Role;
  scopes: readonly string[];
}

/** Turns a bearer credential into the one who holds it; null when it is not of this resolver's kind or not valid. */
export type PrincipalResolver = (credential: string, c: AppContext) => Promise<Principal | null>;

/** Whoever may submit jobs may upload for them. */
const IMPLIED_BY: Partial<Record<Scope, Scope>> = { "uploads:write": "jobs:write" };

/** `*` holds every scope. */
export function hasScope({ scopes }: Pick<Principal, "scopes">, scope: Scope): boolean {
  const broader = IMPLIED_BY[scope];
  return (
    scopes.includes(scope) || scopes.includes("*") || (broader !== undefined && scopes.includes(broader))
  );
}

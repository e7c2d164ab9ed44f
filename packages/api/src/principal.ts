import type { AllowedModels } from "@earshot/shared/domain/allowed-models";
import { allows } from "@earshot/shared/domain/scopes";
import type { Role, Scope } from "@earshot/shared/domain/scopes";
import type { AppContext } from "./env.ts";

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
  /** The person, where it is a session. */
  userId?: string;
  /** The person for whom a key or a token was made, with less than a person may do. */
  madeFor?: string | undefined;
  /** The API key that was shown, or that the token was made from. */
  keyId?: string;
  scopes: readonly string[];
  /** Of the credential itself, where it is less than what the account may. */
  requestsPerMinute?: number | null;
  /** Of the account, where its credential was looked up in this request. */
  allowedModels?: AllowedModels;
  /** When what was shown ends by itself; never without it. */
  expiresAt?: Date;
}

/** Turns a bearer credential into the one who holds it; null when it is not of this resolver's kind or not valid. */
export type PrincipalResolver = (credential: string, c: AppContext) => Promise<Principal | null>;

export function hasScope({ scopes }: Pick<Principal, "scopes">, scope: Scope): boolean {
  return allows(scopes, scope);
}

/** Whose a key is that this principal makes. */
export function makerOf({ userId, madeFor }: Principal): string | undefined {
  return userId ?? madeFor;
}

/** Kind and id, as rows keep who made them. */
export function actorName({ actor }: Pick<Principal, "actor">): string {
  return `${actor.kind}:${actor.id}`;
}

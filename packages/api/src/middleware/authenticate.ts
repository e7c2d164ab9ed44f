import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { LogFields } from "@earshot/shared/log";
import type { AppContext, AppEnv } from "../env.ts";
import { note } from "../env.ts";
import type { Principal, PrincipalResolver } from "../principal.ts";
import { countFailure } from "./rate-limit.ts";
import type { LimitDeps } from "./rate-limit.ts";

/** Asks each resolver, in order, who holds the bearer credential. Nobody knows it: 401, and 429 to who tries too often. */
export function authenticate(
  resolvers: readonly PrincipalResolver[],
  limits: LimitDeps,
): MiddlewareHandler<AppEnv> {
  return async function authenticate(c, next) {
    const credential = credentialOf(c);
    const principal = credential === null ? null : await resolve(resolvers, credential, c);
    if (principal === null) {
      if (credential !== null) await countFailure(limits, c);
      throw new AppError("unauthorized");
    }
    c.set("principal", principal);
    note(c, factsOf(principal));
    await next();
  };
}

function credentialOf(c: AppContext): string | null {
  return /^Bearer +([^\s]{1,4096})$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? null;
}

async function resolve(
  resolvers: readonly PrincipalResolver[],
  credential: string,
  c: AppContext,
): Promise<Principal | null> {
  for (const resolver of resolvers) {
    const principal = await resolver(credential, c);
    if (principal !== null) return principal;
  }
  return null;
}

function factsOf({ accountId, actor, role }: Principal): LogFields {
  const facts = { account_id: accountId, actor_kind: actor.kind, actor_id: actor.id };
  return role === undefined ? facts : { ...facts, role };
}

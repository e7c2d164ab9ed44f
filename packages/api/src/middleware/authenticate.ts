import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { LogFields } from "@earshot/shared/log";
import type { AppContext, AppEnv } from "../env.ts";
import { note } from "../env.ts";
import type { Principal, PrincipalResolver } from "../principal.ts";

/** Asks each resolver, in order, who holds the bearer credential. Nobody knows it: 401. */
export function authenticate(resolvers: readonly PrincipalResolver[]): MiddlewareHandler<AppEnv> {
  return async function authenticate(c, next) {
    const principal = await resolve(resolvers, c);
    if (principal === null) throw new AppError("unauthorized");
    c.set("principal", principal);
    note(c, factsOf(principal));
    await next();
  };
}

async function resolve(resolvers: readonly PrincipalResolver[], c: AppContext): Promise<Principal | null> {
  const credential = /^Bearer +([^\s]{1,4096})$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (credential === undefined) return null;
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

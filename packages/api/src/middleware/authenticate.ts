import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { LogFields } from "@earshot/shared/log";
import type { Deps } from "../deps.ts";
import type { AppContext, AppEnv } from "../env.ts";
import { note } from "../env.ts";
import type { Principal, PrincipalResolver } from "../principal.ts";
import { readSessionCookie, writeSessionCookie } from "../session-cookie.ts";
import { countFailure } from "./rate-limit.ts";
import type { LimitDeps } from "./rate-limit.ts";
import { refuseForeign } from "./same-site.ts";

export interface Resolvers {
  /** Of `Authorization: Bearer`, asked in order. */
  bearer: readonly PrincipalResolver[];
  /** Of the session's cookie, which counts only where no `Authorization` is. */
  cookie: PrincipalResolver;
}

type AuthenticateDeps = LimitDeps & Pick<Deps, "tokens" | "corsOrigins">;

/** Finds out who calls. Nobody whom a resolver knows: 401, and 429 to who tries too often. */
export function authenticate(resolvers: Resolvers, deps: AuthenticateDeps): MiddlewareHandler<AppEnv> {
  return async function authenticate(c, next) {
    const shown = credentialOf(c, resolvers);
    // Before anything is asked: a foreign page must not even have the secret replaced.
    if (shown?.isCookie) refuseForeign(c, deps);
    const principal = shown === null ? null : await resolve(shown.resolvers, shown.credential, c);
    if (principal === null) {
      if (shown !== null) await countFailure(deps, c);
      throw new AppError("unauthorized");
    }
    c.set("principal", principal);
    note(c, factsOf(principal));
    await next();
    renewSession(c, shown?.isCookie ?? false);
  };
}

interface Shown {
  credential: string;
  resolvers: readonly PrincipalResolver[];
  isCookie: boolean;
}

function credentialOf(c: AppContext, { bearer, cookie }: Resolvers): Shown | null {
  const header = c.req.header("Authorization");
  if (header === undefined) {
    const credential = readSessionCookie(c);
    return credential === null ? null : { credential, resolvers: [cookie], isCookie: true };
  }
  const credential = /^Bearer +([^\s]{1,4096})$/i.exec(header)?.[1];
  return credential === undefined ? null : { credential, resolvers: bearer, isCookie: false };
}

/** Tells the client what it has to show from now on, unless it has just ended its session. */
function renewSession(c: AppContext, isCookie: boolean): void {
  const renewed = c.var.renewedSession;
  if (renewed === undefined) return;
  if (isCookie) writeSessionCookie(c, renewed.token, renewed.expiresAt);
  else c.res.headers.set("Earshot-Session", renewed.token);
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

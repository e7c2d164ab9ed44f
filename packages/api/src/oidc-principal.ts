import { peekJwt } from "@earshot/shared/crypto/jwt";
import { accountExists } from "@earshot/shared/db/accounts";
import { ROLE_SCOPES } from "@earshot/shared/domain/scopes";
import { describeError } from "@earshot/shared/log";
import * as z from "zod";
import type { Deps } from "./deps.ts";
import type { AppContext } from "./env.ts";
import { accountOf, roleOf } from "./oidc/claims.ts";
import type { Provider } from "./oidc/provider.ts";
import type { PrincipalResolver } from "./principal.ts";

/** Access tokens as providers write them: RFC 9068, or without saying what they are. */
const TYPES = new Set(["at+jwt", "application/at+jwt", "jwt"]);

const Subject = z.object({ sub: z.string().min(1).max(255), exp: z.number() });

type OidcDeps = Pick<Deps, "db" | "clock" | "log" | "providers">;

/** Tokens of the issuers that the deployment names: who may do what is read from their claims by the issuer's rules. */
export function resolveOidcToken(deps: OidcDeps): PrincipalResolver {
  return async function oidcPrincipal(credential, c) {
    const said = peekJwt(credential);
    if (said === null || !TYPES.has((said.typ ?? "JWT").toLowerCase())) return null;
    const provider = deps.providers.find(({ config }) => config.issuer === said.iss);
    const audience = provider?.config.audience;
    if (provider === undefined || audience === undefined) return null;
    const claims = await verify(deps, provider, { credential, audience }, c);
    const subject = Subject.safeParse(claims);
    if (claims === null || !subject.success) return null;
    const accountId = accountOf(claims, provider.config);
    const role = roleOf(claims, provider.config);
    if (accountId === null || role === null || !(await accountExists(deps.db, accountId))) return null;
    return {
      accountId,
      actor: { kind: "oidc", id: subject.data.sub },
      role,
      scopes: ROLE_SCOPES[role],
      expiresAt: new Date(subject.data.exp * 1000),
    };
  };
}

/** A provider that can't be reached vouches for nobody. */
async function verify(
  { clock, log }: OidcDeps,
  provider: Provider,
  { credential, audience }: { credential: string; audience: string },
  c: AppContext,
): Promise<Record<string, unknown> | null> {
  try {
    return await provider.verify(credential, { audience, now: clock() });
  } catch (error) {
    const { issuer } = provider.config;
    log.warn("oidc_keys_missing", { request_id: c.var.requestId, issuer, ...describeError(error) });
    return null;
  }
}

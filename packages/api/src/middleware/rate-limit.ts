import type { MiddlewareHandler } from "hono";
import { AppError, unavailable } from "@earshot/shared/domain/errors";
import { formatIp, networkOf, parseIp } from "@earshot/shared/domain/ip-address";
import type { RateLimit, Taken } from "@earshot/shared/domain/rate-window";
import { describeError } from "@earshot/shared/log";
import type { Deps } from "../deps.ts";
import type { AppContext, AppEnv } from "../env.ts";
import { rateClassOf } from "../rate-limits/rate-limits.ts";

export type LimitDeps = Pick<Deps, "rateLimiter" | "rateLimits" | "log" | "clock">;

interface Policy extends RateLimit {
  name: string;
  owner: string;
  bucket: string;
}

/**
 * Counts a request of an account: against its key's own rate, against its kind's and against the account's. Says on
 * every answer what is left (IETF draft-ietf-httpapi-ratelimit-headers-10). A store that fails lets everybody in: who
 * asks here has proven an account, and an outage of the counter must not be one of the product.
 */
export function limitAccount(deps: LimitDeps): MiddlewareHandler<AppEnv> {
  return async function limitAccount(c, next) {
    const policies = policiesOf(c, deps);
    const taken: [Policy, Taken][] = [];
    for (const policy of policies) {
      const one = await takeOrPass(deps, policy, c);
      if (one === null) continue;
      taken.push([policy, one]);
      if (!one.isAllowed) break;
    }
    const refusal = taken.find(([, { isAllowed }]) => !isAllowed);
    // Its answer is made where errors end, of headers that are set by now.
    if (refusal) for (const [name, value] of rateHeaders(taken)) c.header(name, value);
    if (refusal) throw rateLimited(refusal[1]);
    await next();
    for (const [name, value] of rateHeaders(taken)) c.res.headers.set(name, value);
  };
}

/**
 * Counts a request of an address, for whatever may be tried before anybody is known. A store that fails lets nobody in:
 * without a count there would be no limit to guessing.
 */
export function limitAddress(deps: LimitDeps, bucket: "auth"): MiddlewareHandler<AppEnv> {
  return async function limitAddress(c, next) {
    await takeOfAddress(deps, bucket, c);
    await next();
  };
}

/** Who showed a wrong credential too often is told so. A right one is never asked: nobody can lock others out. */
export function countFailure(deps: LimitDeps, c: AppContext): Promise<void> {
  return takeOfAddress(deps, "failed", c);
}

async function takeOfAddress(deps: LimitDeps, bucket: "auth" | "failed", c: AppContext): Promise<void> {
  const request = { owner: `ip:${networkOfClient(c)}`, bucket, cost: 1, ...deps.rateLimits[bucket] };
  const taken = await deps.rateLimiter.take(request, deps.clock()).catch(unavailable);
  if (!taken.isAllowed) throw rateLimited(taken);
}

/** Whoever has one IPv6 address has 2^64 of them. Those whose address nobody knows share one bucket. */
export function networkOfClient(c: AppContext): string {
  const ip = parseIp(c.var.clientIp ?? "");
  if (ip === null) return "unknown";
  return formatIp(c.var.clientIp?.includes(":") ? networkOf(ip, 64) : ip);
}

/** The narrowest first: what it refuses is not taken from the others. */
function policiesOf(c: AppContext, { rateLimits }: LimitDeps): Policy[] {
  const { accountId, keyId, requestsPerMinute } = c.var.principal;
  const kind = rateClassOf(c.req.method, c.req.path);
  const policies: Policy[] = [];
  if (keyId !== undefined && requestsPerMinute) {
    const limit = { limit: requestsPerMinute, windowSeconds: 60 };
    policies.push({ name: "key", owner: accountId, bucket: `key ${keyId}`, ...limit });
  }
  // A kind that may do as much as the account may at all needs no bucket of its own.
  if (isTighter(rateLimits[kind], rateLimits.req)) {
    policies.push({ name: kind, owner: accountId, bucket: kind, ...rateLimits[kind] });
  }
  return [...policies, { name: "req", owner: accountId, bucket: "req", ...rateLimits.req }];
}

function isTighter(one: RateLimit, other: RateLimit): boolean {
  return one.limit < other.limit || one.windowSeconds > other.windowSeconds;
}

async function takeOrPass(deps: LimitDeps, policy: Policy, c: AppContext): Promise<Taken | null> {
  const { owner, bucket, limit, windowSeconds } = policy;
  try {
    return await deps.rateLimiter.take({ owner, bucket, limit, windowSeconds, cost: 1 }, deps.clock());
  } catch (error) {
    deps.log.warn("rate_limiter_failed", { request_id: c.var.requestId, ...describeError(error) });
    return null;
  }
}

/** The account's own first, as clients expect it. */
function rateHeaders(taken: readonly [Policy, Taken][]): [string, string][] {
  if (taken.length === 0) return [];
  const ordered = taken.toReversed();
  const policies = ordered.map(
    ([{ name, limit, windowSeconds }]) => `"${name}";q=${limit};w=${windowSeconds}`,
  );
  const states = ordered.map(
    ([{ name }, { remaining, resetSeconds }]) => `"${name}";r=${remaining};t=${resetSeconds}`,
  );
  return [
    ["RateLimit-Policy", policies.join(", ")],
    ["RateLimit", states.join(", ")],
  ];
}

function rateLimited({ retryAfterSeconds }: Taken): AppError {
  return new AppError("rate_limited", {
    message: `Too many requests: come back in ${retryAfterSeconds} s.`,
    detail: { retryAfterSeconds },
  });
}

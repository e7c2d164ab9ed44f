import type { MiddlewareHandler } from "hono";
import { recordAudit } from "@earshot/shared/db/audit";
import { recordEvent } from "@earshot/shared/db/events";
import type { RateLimit } from "@earshot/shared/domain/rate-window";
import { describeError } from "@earshot/shared/log";
import { audit } from "../audit.ts";
import { inBackground } from "../background.ts";
import type { Deps } from "../deps.ts";
import type { AppContext, AppEnv } from "../env.ts";
import { networkOfClient } from "./rate-limit.ts";
import { patternOf } from "./request-event.ts";

type DenialDeps = Pick<Deps, "db" | "rateLimiter" | "log" | "clock">;

/** Of one source, all are recorded at first, then a sample; with the sample begins what is told as a burst. */
const RECORDED: RateLimit = { limit: 20, windowSeconds: 60 };
const SAMPLED: RateLimit = { limit: 1, windowSeconds: 10 };
const ALERTED: RateLimit = { limit: 1, windowSeconds: 900 };

/**
 * Writes refused credentials (401) and refused acts (403) into the audit log, after the answer. Whoever goes on is
 * slowed down by the limits (429), which leave no row: a log that strangers can fill is a way to hide in it.
 */
export function auditDenials(deps: DenialDeps): MiddlewareHandler<AppEnv> {
  return async function auditDenials(c, next) {
    await next();
    if (c.res.status === 401 || c.res.status === 403) inBackground(c, recordDenial(deps, c));
  };
}

/** Never fails: a denial that can't be written is in the request's own log event still. */
async function recordDenial(deps: DenialDeps, c: AppContext): Promise<void> {
  try {
    if (await take(deps, c, "denials", RECORDED)) return await writeDenial(deps, c);
    if (await take(deps, c, "denials sampled", SAMPLED)) await writeDenial(deps, c, { sampled: true });
    if (await take(deps, c, "alerts", ALERTED)) await alert(deps, c);
  } catch (error) {
    deps.log.warn("denial_not_recorded", { request_id: c.var.requestId, ...describeError(error) });
  }
}

async function take(deps: DenialDeps, c: AppContext, bucket: string, limit: RateLimit): Promise<boolean> {
  const owner = principalOf(c)?.accountId ?? `ip:${networkOfClient(c)}`;
  return (await deps.rateLimiter.take({ owner, bucket, cost: 1, ...limit }, deps.clock())).isAllowed;
}

function writeDenial({ db }: DenialDeps, c: AppContext, more: { sampled?: true } = {}): Promise<void> {
  const { claimed } = c.var;
  const { method } = c.req;
  return audit(c, db, {
    action: c.res.status === 401 ? "auth.failed" : "access.denied",
    outcome: c.res.status === 401 ? "failure" : "denied",
    detail: { method, route: patternOf(c), ...more },
    // A wrong secret was shown with the name of a key that there is: its account should know.
    ...(claimed && principalOf(c) === undefined && { accountId: claimed.accountId, target: claimed.keyId }),
  });
}

/** One source was refused again and again: in the log for the operator, as an event for the account that it is about. */
async function alert({ db, log, clock }: DenialDeps, c: AppContext): Promise<void> {
  const accountId = principalOf(c)?.accountId ?? c.var.claimed?.accountId ?? null;
  const reason = c.res.status === 401 ? "failed_authentication" : "denied_requests";
  const facts = { reason, ip: c.var.clientIp, request_id: c.var.requestId };
  log.warn("security_alert", { account_id: accountId, ...facts });
  await db.transaction(async (tx) => {
    await recordAudit(tx, {
      accountId,
      actor: { kind: "system", id: "api" },
      action: "security.alert",
      ip: c.var.clientIp,
      requestId: c.var.requestId,
      detail: { reason, more_than: RECORDED.limit, within_seconds: RECORDED.windowSeconds },
    });
    if (accountId !== null)
      await recordEvent(tx, { accountId, type: "security.alert", data: facts, at: clock() });
  });
}

// A refused credential leaves none, whatever the type of the context says.
function principalOf(c: AppContext): AppContext["var"]["principal"] | undefined {
  return c.var.principal;
}

import type { SQL } from "drizzle-orm";
import { and, eq, sql } from "drizzle-orm";
import { recordAudit } from "../audit.ts";
import { fromNow, nowAt } from "../clock.ts";
import type { Database } from "../database.ts";
import type { ClaimedDelivery } from "../deliveries.ts";
import { recordEvent } from "../events.ts";
import type { DisabledReason } from "../schema.ts";
import { deliveries } from "../schema.ts";

export interface AttemptRecord {
  startedAt: Date;
  latencyMs: number;
  statusCode: number | null;
  error: string | null;
  responseHead: string | null;
}

/** What becomes of a delivery after an attempt; `retry` in so many seconds, `failed` with a reason to disable its endpoint. */
export type Verdict =
  | { status: "succeeded" }
  | { status: "failed"; disables?: DisabledReason }
  | { status: "retry"; delaySeconds: number };

type Leased = Pick<ClaimedDelivery, "id" | "leaseToken" | "attempt">;

export interface Recorded {
  /** False: the lease had run out and somebody else has the delivery. Then the attempt was not written. */
  isCounted: boolean;
  disabled: DisabledReason | null;
}

/** Writes the attempt and what becomes of the delivery, in one statement; where that disables the endpoint, in one transaction with it. */
export async function recordAttempt(
  db: Database,
  delivery: Leased & Pick<ClaimedDelivery, "accountId" | "endpointId" | "eventId">,
  record: AttemptRecord,
  verdict: Verdict,
  now?: Date,
): Promise<Recorded> {
  const reason = verdict.status === "failed" ? verdict.disables : undefined;
  const { endpointId } = delivery;
  if (reason === undefined || endpointId === null) {
    return { isCounted: await write(db, delivery, record, verdict, now), disabled: null };
  }
  return db.transaction(async (tx) => {
    const isCounted = await write(tx, delivery, record, verdict, now);
    if (!isCounted || !(await disableEndpoint(tx, { ...delivery, endpointId }, reason, now))) {
      return { isCounted, disabled: null };
    }
    await tellOfDisabling(tx, { ...delivery, endpointId }, reason, record);
    return { isCounted, disabled: reason };
  });
}

async function write(
  db: Database,
  delivery: Leased,
  record: AttemptRecord,
  verdict: Verdict,
  now: Date | undefined,
): Promise<boolean> {
  const rows = await db.execute(sql`
    with held as (
      update deliveries set attempt = ${delivery.attempt + 1}::int, lease_token = null, ${outcomeOf(verdict, now)}
      where id = ${delivery.id} and lease_token = ${delivery.leaseToken}
      returning id, attempt, endpoint_id, job_id, status
    ),
    -- scrubJobs left it for the deliveries that were still waiting.
    dropped as (
      update jobs set webhook_secret_sealed = null from held
      where jobs.id = held.job_id and held.status <> 'pending' and jobs.deleted_at is not null
        and jobs.webhook_secret_sealed is not null and not exists (
          select from deliveries d where d.job_id = held.job_id and d.status = 'pending' and d.id <> held.id)
    )
    insert into delivery_attempts
      (delivery_id, attempt, endpoint_id, started_at, latency_ms, status_code, error, response_head)
    select id, attempt, endpoint_id, ${record.startedAt.toISOString()}::timestamptz, ${record.latencyMs}::int,
      ${record.statusCode}::int, ${record.error}::text, ${record.responseHead}::text
    from held returning delivery_id`);
  return rows.length > 0;
}

function outcomeOf(verdict: Verdict, now: Date | undefined): SQL {
  return verdict.status === "retry"
    ? sql`next_attempt_at = ${fromNow(verdict.delaySeconds, now)}`
    : sql`status = ${verdict.status}, finished_at = ${nowAt(now)}`;
}

type OfEndpoint = Pick<ClaimedDelivery, "id" | "accountId" | "eventId"> & { endpointId: string };

/**
 * An exhausted schedule disables an endpoint only when nothing has succeeded there since the delivery's first attempt. What still
 * waits for the endpoint ends unsent, to be recovered. @returns false when it was disabled before, or is not to be.
 */
async function disableEndpoint(
  tx: Database,
  { id, endpointId }: OfEndpoint,
  reason: DisabledReason,
  now: Date | undefined,
): Promise<boolean> {
  const isDead = sql`not exists (
    select from delivery_attempts a where a.endpoint_id = ${endpointId} and a.status_code between 200 and 299
      and a.started_at >= (select min(started_at) from delivery_attempts where delivery_id = ${id}))`;
  const disabled = await tx.execute(sql`
    update webhook_endpoints
    set enabled = false, disabled_reason = ${reason}, disabled_at = ${nowAt(now)}, updated_at = ${nowAt(now)}
    where id = ${endpointId} and enabled and ${reason === "exhausted" ? isDead : sql`true`}
    returning id`);
  if (disabled.length === 0) return false;
  // One under way ends by itself; one that was lost is claimed once more, and closed.
  await tx.execute(sql`
    update deliveries set status = 'failed', finished_at = ${nowAt(now)}
    where lane = ${endpointId} and status = 'pending' and lease_token is null`);
  return true;
}

async function tellOfDisabling(
  tx: Database,
  { accountId, endpointId, eventId }: OfEndpoint,
  reason: DisabledReason,
  { statusCode, error }: AttemptRecord,
): Promise<void> {
  const data = { endpoint_id: endpointId, reason, event_id: eventId, status_code: statusCode, error };
  await recordEvent(tx, { accountId, type: "endpoint.disabled", data });
  await recordAudit(tx, {
    accountId,
    actor: { kind: "system", id: null },
    action: "webhook_endpoint.disable",
    target: endpointId,
    detail: { reason, event_id: eventId },
  });
}

/** Ends a delivery that nobody wants any more, unsent. Its endpoint may recover it. */
export async function closeDelivery(db: Database, delivery: Omit<Leased, "attempt">): Promise<void> {
  await db
    .update(deliveries)
    .set({ status: "failed", leaseToken: null, finishedAt: sql`now()` })
    .where(isHeld(delivery));
}

/** Puts a delivery back that was not attempted (a drain). */
export async function releaseDelivery(
  db: Database,
  delivery: Omit<Leased, "attempt">,
  now?: Date,
): Promise<void> {
  await db
    .update(deliveries)
    .set({ leaseToken: null, nextAttemptAt: nowAt(now) })
    .where(isHeld(delivery));
}

function isHeld({ id, leaseToken }: Omit<Leased, "attempt">) {
  return and(eq(deliveries.id, id), eq(deliveries.leaseToken, leaseToken));
}

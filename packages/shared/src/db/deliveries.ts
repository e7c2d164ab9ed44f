import { and, eq, sql } from "drizzle-orm";
import type { SealKeys } from "../crypto/seal.ts";
import { unseal } from "../crypto/seal.ts";
import { readWebhookSecret } from "./accounts.ts";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { deliveries, deliveryAttempts, jobs } from "./schema.ts";
import { endpointSecrets } from "./webhooks/endpoints.ts";

/** A delivery that this process may attempt now, with the bytes to send. */
export interface ClaimedDelivery {
  id: string;
  leaseToken: string;
  /** Attempts made before this one. */
  attempt: number;
  accountId: string;
  jobId: string | null;
  /** Null: a job's own webhook. */
  endpointId: string | null;
  /** False: the endpoint was disabled or deleted after this was written. */
  isWanted: boolean;
  url: string;
  eventId: string;
  payload: string;
  traceparent: string | null;
}

/** Leases up to `limit` due deliveries by a committed update; nothing is locked while HTTP runs. */
export async function claimDeliveries(
  db: Database,
  options: { limit: number; leaseSeconds: number },
): Promise<ClaimedDelivery[]> {
  return db.execute<ClaimedDelivery & Record<string, unknown>>(sql`
    with due as materialized (${dueDeliveries(options.limit)}),
    leased as (
      update deliveries d set
        lease_token = gen_random_uuid()::text,
        next_attempt_at = now() + make_interval(secs => ${options.leaseSeconds})
      where d.id in (select id from due)
      returning d.*
    )
    select leased.id, leased.lease_token as "leaseToken", leased.attempt, leased.account_id as "accountId",
      leased.job_id as "jobId", leased.endpoint_id as "endpointId", coalesce(endpoint.enabled, true) as "isWanted",
      coalesce(endpoint.url, leased.url) as url, leased.event_id as "eventId",
      case when leased.payload = 'full' then coalesce(events.payload_full, events.payload) else events.payload end as payload,
      jobs.traceparent
    from leased
    join events on events.id = leased.event_id
    left join webhook_endpoints endpoint on endpoint.id = leased.endpoint_id
    left join jobs on jobs.id = leased.job_id
    order by leased.event_id`);
}

/** Exported for the test that reads its plan. */
export function dueDeliveries(limit: number) {
  return sql`
    select id from deliveries where status = 'pending' and next_attempt_at <= now()
    order by next_attempt_at limit ${limit} for update skip locked`;
}

/** Milliseconds until the next delivery is due, or null when none waits. */
export async function nextDeliveryInMs(db: Database): Promise<number | null> {
  const [row] = await db.execute<{ ms: number | null }>(sql`
    select (extract(epoch from min(next_attempt_at) - now()) * 1000)::float8 as ms
    from deliveries where status = 'pending'`);
  return row?.ms ?? null;
}

export interface AttemptRecord {
  startedAt: Date;
  latencyMs: number;
  statusCode: number | null;
  error: string | null;
  responseHead: string | null;
}

/** What becomes of a delivery after an attempt; `retry` in so many seconds. */
export type Verdict = { status: "succeeded" | "failed" } | { status: "retry"; delaySeconds: number };

/** @returns false when the lease had run out and somebody else has the delivery: then the attempt is not counted. */
export async function recordDeliveryAttempt(
  db: Database,
  delivery: Pick<ClaimedDelivery, "id" | "leaseToken" | "attempt" | "jobId" | "endpointId">,
  record: AttemptRecord,
  verdict: Verdict,
): Promise<boolean> {
  const attempt = delivery.attempt + 1;
  const next =
    verdict.status === "retry"
      ? { nextAttemptAt: fromNow(verdict.delaySeconds) }
      : { status: verdict.status, finishedAt: sql`now()` };
  return db.transaction(async (tx) => {
    const held = and(eq(deliveries.id, delivery.id), eq(deliveries.leaseToken, delivery.leaseToken));
    const rows = await tx
      .update(deliveries)
      .set({ attempt, leaseToken: null, ...next })
      .where(held)
      .returning({ id: deliveries.id });
    if (rows.length === 0) return false;
    const { id: deliveryId, endpointId } = delivery;
    await tx.insert(deliveryAttempts).values({ ...record, deliveryId, endpointId, attempt });
    if (verdict.status !== "retry" && delivery.jobId !== null)
      await dropSecretOfDeletedJob(tx, delivery.jobId);
    return true;
  });
}

/** `scrubJobs` left it for the deliveries that were still waiting. */
async function dropSecretOfDeletedJob(tx: Database, jobId: string): Promise<void> {
  await tx.execute(sql`
    update jobs set webhook_secret_sealed = null
    where id = ${jobId} and deleted_at is not null and webhook_secret_sealed is not null
      and not exists (select from deliveries d where d.job_id = ${jobId} and d.status = 'pending')`);
}

/** Puts a delivery back that was not attempted (a drain). */
export async function releaseDelivery(
  db: Database,
  delivery: Pick<ClaimedDelivery, "id" | "leaseToken">,
): Promise<void> {
  await db
    .update(deliveries)
    .set({ leaseToken: null, nextAttemptAt: sql`now()` })
    .where(and(eq(deliveries.id, delivery.id), eq(deliveries.leaseToken, delivery.leaseToken)));
}

/** Ends a delivery that nobody wants any more, unsent. Its endpoint may recover it. */
export async function closeDelivery(
  db: Database,
  delivery: Pick<ClaimedDelivery, "id" | "leaseToken">,
): Promise<void> {
  await db
    .update(deliveries)
    .set({ status: "failed", leaseToken: null, finishedAt: sql`now()` })
    .where(and(eq(deliveries.id, delivery.id), eq(deliveries.leaseToken, delivery.leaseToken)));
}

/** The endpoint's; of a job's own webhook the job's, else the account's. */
export async function signingSecrets(
  db: Database,
  sealKeys: SealKeys,
  delivery: Pick<ClaimedDelivery, "accountId" | "jobId" | "endpointId">,
): Promise<string[]> {
  if (delivery.endpointId !== null) return endpointSecrets(db, sealKeys, delivery.endpointId);
  const own = delivery.jobId === null ? null : await jobSecret(db, sealKeys, delivery.jobId);
  const secret = own ?? (await readWebhookSecret(db, sealKeys, delivery.accountId));
  return secret === null ? [] : [secret];
}

async function jobSecret(db: Database, sealKeys: SealKeys, jobId: string): Promise<string | null> {
  const [job] = await db.select({ sealed: jobs.webhookSecretSealed }).from(jobs).where(eq(jobs.id, jobId));
  return job?.sealed ? unseal(sealKeys, job.sealed, jobId) : null;
}

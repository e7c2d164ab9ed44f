import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import { newId } from "../../crypto/ids.ts";
import { EVENT_TYPES, isOptIn } from "../../domain/events.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Database } from "../database.ts";
import { deliveries, jobs, webhookEndpoints } from "../schema.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Delivery } from "./list-deliveries.ts";
import type { StoredEvent } from "./list-events.ts";

type NewDelivery = Pick<Delivery, "endpointId" | "url" | "payload">;

/**
 * Sends an event once more: to one endpoint, or to everybody that it was sent to and that still takes deliveries. What still
 * waits for its next attempt is due at once instead. @returns the deliveries' ids; none when nobody is left.
 */
export async function redeliverEvent(
  tx: Database,
  event: StoredEvent,
  endpoint: Endpoint | null,
): Promise<string[]> {
  const receivers = endpoint ? [toEndpoint(endpoint)] : await receiversOf(tx, event);
  const ids: string[] = [];
  for (const receiver of receivers) {
    ids.push((await hurry(tx, event, receiver)) ?? (await insert(tx, event, [receiver])).join());
  }
  return ids;
}

/**
 * Sends an endpoint once more what it wants of a time, and has neither got nor is about to get: what failed, and what came while
 * it was disabled. Oldest first, at most LIMITS.recoveredAtOnce. Hold the endpoint, or two recoveries at once send all twice.
 */
export async function recoverEvents(
  tx: Database,
  endpoint: Endpoint,
  range: { since: Date; until: Date },
): Promise<{ recovered: number; hasMore: boolean }> {
  const missed = await tx.execute<Pick<StoredEvent, "id" | "accountId" | "jobId"> & Record<string, unknown>>(
    missedEvents(endpoint, range, LIMITS.recoveredAtOnce + 1),
  );
  const recovered = missed.slice(0, LIMITS.recoveredAtOnce);
  for (let at = 0; at < recovered.length; at += INSERTED_AT_ONCE) {
    const some = recovered.slice(at, at + INSERTED_AT_ONCE);
    const receiver = toEndpoint(endpoint);
    await tx.insert(deliveries).values(some.map((event) => newDelivery(event, receiver)));
  }
  return { recovered: recovered.length, hasMore: missed.length > recovered.length };
}

const INSERTED_AT_ONCE = 1_000;

/** Exported for the test that reads its plan. Events of before the endpoint's creation were never meant for it. */
export function missedEvents(
  { id, accountId, events: types, createdAt }: Endpoint,
  { since, until }: { since: Date; until: Date },
  limit: number,
) {
  const from = since > createdAt ? since : createdAt;
  const wanted = types ?? EVENT_TYPES.filter((type) => !isOptIn(type));
  return sql`
    select e.id, e.account_id as "accountId", e.job_id as "jobId" from events e
    where e.account_id = ${accountId} and e.created_at >= ${from.toISOString()}::timestamptz
      and e.created_at < ${until.toISOString()}::timestamptz and e.type in ${wanted} and e.type <> 'webhook.test'
      and not exists (
        select from deliveries d where d.event_id = e.id and d.endpoint_id = ${id} and d.status <> 'failed' offset 0)
    order by e.created_at, e.id limit ${limit}`;
}

/** Endpoints that are gone or disabled take nothing, and a deleted job's secret is gone. */
async function receiversOf(tx: Database, event: StoredEvent): Promise<NewDelivery[]> {
  const sent = await tx
    .selectDistinct({ endpointId: deliveries.endpointId })
    .from(deliveries)
    .where(eq(deliveries.eventId, event.id));
  const ids = sent.flatMap(({ endpointId }) => endpointId ?? []);
  const live = await tx
    .select({ endpointId: webhookEndpoints.id, url: webhookEndpoints.url, payload: webhookEndpoints.payload })
    .from(webhookEndpoints)
    .where(and(inArray(webhookEndpoints.id, ids), eq(webhookEndpoints.enabled, true)));
  const isForJob = sent.some(({ endpointId }) => endpointId === null);
  return [...(isForJob ? await webhookOf(tx, event) : []), ...live];
}

async function webhookOf(tx: Database, { jobId }: StoredEvent): Promise<NewDelivery[]> {
  if (jobId === null) return [];
  const [job] = await tx
    .select({ url: jobs.webhookUrl })
    .from(jobs)
    .where(and(eq(jobs.id, jobId), isNull(jobs.deletedAt)));
  return job?.url ? [{ endpointId: null, url: job.url, payload: "thin" }] : [];
}

/** Makes the delivery due that waits for its next attempt. @returns its id, or null when none waits. */
async function hurry(tx: Database, event: StoredEvent, { endpointId }: NewDelivery): Promise<string | null> {
  const toReceiver =
    endpointId === null ? isNull(deliveries.endpointId) : eq(deliveries.endpointId, endpointId);
  const waiting = and(eq(deliveries.eventId, event.id), toReceiver, eq(deliveries.status, "pending"));
  const [pending] = await tx
    .update(deliveries)
    // One under way keeps its lease.
    .set({ nextAttemptAt: sql`case when lease_token is null then now() else next_attempt_at end` })
    .where(waiting)
    .returning({ id: deliveries.id });
  if (pending === undefined) return null;
  await tx.execute(sql`select pg_notify('earshot_deliveries', '')`);
  return pending.id;
}

async function insert(
  tx: Database,
  event: StoredEvent,
  receivers: readonly NewDelivery[],
): Promise<string[]> {
  const rows = await tx
    .insert(deliveries)
    .values(receivers.map((receiver) => newDelivery(event, receiver)))
    .returning({ id: deliveries.id });
  return rows.map(({ id }) => id);
}

function newDelivery(event: Pick<StoredEvent, "id" | "accountId" | "jobId">, receiver: NewDelivery) {
  return {
    ...receiver,
    id: newId("delivery"),
    eventId: event.id,
    accountId: event.accountId,
    jobId: event.jobId,
  };
}

function toEndpoint({ id, url, payload }: Endpoint): NewDelivery {
  return { endpointId: id, url, payload };
}

import type { SQL } from "drizzle-orm";
import { sql } from "drizzle-orm";
import { newId } from "../crypto/ids.ts";
import type {
  AccountEventType,
  EventType,
  JobEventFacts,
  JobEventType,
  OptInEventType,
  ResultSummary,
} from "../domain/events.ts";
import { eventPayload, fullJobEventPayload, isOptIn, jobEventPayload } from "../domain/events.ts";
import type { Database } from "./database.ts";
import { deliveries, events } from "./schema.ts";

export interface NewEvent {
  accountId: string;
  type: AccountEventType;
  data: Record<string, unknown>;
  /** The one endpoint that it is for, whatever that asked for. Otherwise it goes to every one that wants its type. */
  onlyTo?: { id: string; url: string };
  at?: Date;
}

export interface JobWithWebhook {
  id: string;
  accountId: string;
  webhookUrl: string | null;
  webhookEvents: string[] | null;
}

/** Where a delivery goes; `endpointId` is null for a job's own webhook. */
interface Receiver {
  endpointId: string | null;
  url: string;
  payload: "thin" | "full";
}

/** Writes an event of the account, with a delivery to each endpoint that wants it, in the transaction of what happened. @returns its id. */
export async function recordEvent(tx: Database, event: NewEvent): Promise<string> {
  const { accountId, type, data, onlyTo, at = new Date() } = event;
  const receivers: Receiver[] = onlyTo
    ? [{ endpointId: onlyTo.id, url: onlyTo.url, payload: "thin" }]
    : (await lookUp(tx, { accountId, type, jobId: null })).endpoints;
  return insertEvent(tx, { accountId, type, payload: eventPayload(type, at, data) }, receivers);
}

/**
 * The same for a job, whose own webhook gets it too. Call it inside the transaction that changes the job: the lock on its row
 * makes `sequence` count its events in their order. An opt-in event that nobody asked for is not written.
 */
export async function recordJobEvent(
  tx: Database,
  job: JobWithWebhook,
  type: JobEventType,
  facts: Omit<JobEventFacts, "jobId"> & { results?: readonly ResultSummary[] },
): Promise<void> {
  const { id: jobId, accountId, webhookUrl } = job;
  const { sequence, endpoints } = await lookUp(tx, { accountId, type, jobId });
  const receivers = [...endpoints];
  if (webhookUrl !== null && wants(job, type))
    receivers.push({ endpointId: null, url: webhookUrl, payload: "thin" });
  if (receivers.length === 0 && isOptIn(type)) return;
  const { results, ...rest } = facts;
  const isFullWanted = results !== undefined && receivers.some(({ payload }) => payload === "full");
  await insertEvent(
    tx,
    {
      accountId,
      type,
      jobId,
      jobSequence: sequence,
      payload: jobEventPayload(type, sequence, { ...rest, jobId }),
      payloadFull: isFullWanted ? fullJobEventPayload(type, sequence, { ...rest, jobId }, results) : null,
    },
    receivers,
  );
}

/** Whether anybody wants this event of a job, in a query on `jobs`: a claim and a beat ask nothing more for what nobody wants. */
export function isWanted(type: OptInEventType): SQL<boolean> {
  return sql<boolean>`(
    (jobs.webhook_url is not null and coalesce(${type} = any(jobs.webhook_events), false))
    or exists (select from webhook_endpoints e where e.account_id = jobs.account_id and ${wantsType(type)}))`;
}

function wants(job: JobWithWebhook, type: JobEventType): boolean {
  return !isOptIn(type) || (job.webhookEvents ?? []).includes(type);
}

/** Of `webhook_endpoints e`. */
function wantsType(type: EventType): SQL {
  const asked = sql`${type} = any(e.events)`;
  return sql`e.enabled and e.deleted_at is null and ${isOptIn(type) ? asked : sql`(e.events is null or ${asked})`}`;
}

/** The endpoints that want an event, and the number of a job's next event, in one question. */
async function lookUp(tx: Database, event: { accountId: string; type: EventType; jobId: string | null }) {
  const rows = await tx.execute<{
    sequence: number;
    id: string | null;
    url: string;
    payload: "thin" | "full";
  }>(
    sql`
      select next.sequence, e.id, e.url, e.payload
      from (select coalesce(max(job_sequence), 0) + 1 as sequence from events where job_id = ${event.jobId}) next
      left join webhook_endpoints e on e.account_id = ${event.accountId} and ${wantsType(event.type)}
      order by e.id`,
  );
  const endpoints = rows.flatMap(({ id, url, payload }): Receiver[] =>
    id === null ? [] : [{ endpointId: id, url, payload }],
  );
  return { sequence: rows[0]?.sequence ?? 1, endpoints };
}

async function insertEvent(
  tx: Database,
  event: Omit<typeof events.$inferInsert, "id" | "createdAt">,
  receivers: readonly Receiver[],
): Promise<string> {
  const id = newId("event");
  // Not the transaction's time: that lies before the wait for the job's row, and numbers are given in this order.
  await tx.insert(events).values({ ...event, id, createdAt: sql`clock_timestamp()` });
  if (receivers.length > 0) {
    const { accountId, jobId } = event;
    await tx
      .insert(deliveries)
      .values(
        receivers.map((receiver) => ({ ...receiver, id: newId("delivery"), eventId: id, accountId, jobId })),
      );
  }
  return id;
}

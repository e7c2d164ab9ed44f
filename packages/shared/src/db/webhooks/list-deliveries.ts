import { and, asc, desc, eq, inArray, sql } from "drizzle-orm";
import type { EventType } from "../../domain/events.ts";
import type { Database } from "../database.ts";
import type { Job } from "../jobs/job.ts";
import { deliveries, deliveryAttempts, events } from "../schema.ts";
import type { EventPlace } from "./list-events.ts";

export type Delivery = typeof deliveries.$inferSelect;
export type Attempt = typeof deliveryAttempts.$inferSelect;
export type DeliveryWithAttempts = Delivery & { attempts: Attempt[] };

/** Where an event was sent, in that order, with every attempt. */
export async function listDeliveries(
  db: Database,
  eventId: string,
  limit: number,
): Promise<DeliveryWithAttempts[]> {
  const found = await db
    .select()
    .from(deliveries)
    .where(eq(deliveries.eventId, eventId))
    .orderBy(desc(deliveries.createdAt), desc(deliveries.id))
    .limit(limit);
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  const attempts = await db
    .select()
    .from(deliveryAttempts)
    .where(inArray(deliveryAttempts.deliveryId, ids))
    .orderBy(asc(deliveryAttempts.attempt));
  const byDelivery = Map.groupBy(attempts, ({ deliveryId }) => deliveryId);
  return found.map((delivery) => ({ ...delivery, attempts: byDelivery.get(delivery.id) ?? [] })).toReversed();
}

export type EndpointAttempt = Attempt & { eventId: string; type: EventType };

/** A page of what was sent to an endpoint, the newest attempt first: one more than `limit` where there are more. */
export function selectAttempts(
  db: Database,
  endpointId: string,
  { after, limit }: { after: EventPlace | null; limit: number },
): Promise<EndpointAttempt[]> {
  const started = deliveryAttempts.startedAt;
  return db
    .select({
      deliveryId: deliveryAttempts.deliveryId,
      attempt: deliveryAttempts.attempt,
      startedAt: started,
      latencyMs: deliveryAttempts.latencyMs,
      statusCode: deliveryAttempts.statusCode,
      error: deliveryAttempts.error,
      responseHead: deliveryAttempts.responseHead,
      endpointId: deliveryAttempts.endpointId,
      eventId: deliveries.eventId,
      type: events.type,
    })
    .from(deliveryAttempts)
    .innerJoin(deliveries, eq(deliveries.id, deliveryAttempts.deliveryId))
    .innerJoin(events, eq(events.id, deliveries.eventId))
    .where(
      and(
        eq(deliveryAttempts.endpointId, endpointId),
        after
          ? sql`(${started}, ${deliveryAttempts.deliveryId}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id})`
          : undefined,
      ),
    )
    .orderBy(desc(started), desc(deliveryAttempts.deliveryId))
    .limit(limit + 1);
}

/** The last delivery of each job's own webhook, with its last attempt. */
export interface JobDelivery extends Pick<Delivery, "eventId" | "status" | "attempt" | "nextAttemptAt"> {
  last: Pick<Attempt, "startedAt" | "latencyMs" | "statusCode" | "error"> | null;
}

export async function lastDeliveriesOf(
  db: Database,
  jobsWithWebhook: readonly Pick<Job, "id" | "webhookUrl">[],
): Promise<Map<string, JobDelivery>> {
  const jobIds = jobsWithWebhook.filter(({ webhookUrl }) => webhookUrl !== null).map(({ id }) => id);
  if (jobIds.length === 0) return new Map();
  const rows = await db
    .selectDistinctOn([deliveries.jobId], {
      jobId: deliveries.jobId,
      eventId: deliveries.eventId,
      status: deliveries.status,
      attempt: deliveries.attempt,
      nextAttemptAt: deliveries.nextAttemptAt,
      startedAt: deliveryAttempts.startedAt,
      latencyMs: deliveryAttempts.latencyMs,
      statusCode: deliveryAttempts.statusCode,
      error: deliveryAttempts.error,
    })
    .from(deliveries)
    .leftJoin(
      deliveryAttempts,
      and(eq(deliveryAttempts.deliveryId, deliveries.id), eq(deliveryAttempts.attempt, deliveries.attempt)),
    )
    .where(and(inArray(deliveries.jobId, jobIds), sql`${deliveries.endpointId} is null`))
    .orderBy(deliveries.jobId, desc(deliveries.createdAt), desc(deliveries.id));
  return new Map(
    rows.map(({ jobId, startedAt, latencyMs, statusCode, error, ...delivery }) => [
      jobId ?? "",
      {
        ...delivery,
        last: startedAt && latencyMs !== null ? { startedAt, latencyMs, statusCode, error } : null,
      },
    ]),
  );
}

export async function lastDeliveryOf(
  db: Database,
  job: Pick<Job, "id" | "webhookUrl">,
): Promise<JobDelivery | null> {
  return (await lastDeliveriesOf(db, [job])).get(job.id) ?? null;
}

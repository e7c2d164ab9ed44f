import { and, asc, desc, eq, gt, inArray, lt, sql } from "drizzle-orm";
import type { EventType } from "../../domain/events.ts";
import type { Database } from "../database.ts";
import { events, eventSequences } from "../schema.ts";

export type StoredEvent = typeof events.$inferSelect;

/** Which events of an account are asked for. Null: any. */
export interface EventFilter {
  type: EventType | null;
  jobId: string | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
}

export interface EventPlace {
  createdAt: Date;
  id: string;
}

/** A page of the account's events, the newest first: one more than `limit` where there are more. */
export function selectEvents(
  db: Database,
  accountId: string,
  filter: EventFilter,
  { after, limit }: { after: EventPlace | null; limit: number },
) {
  const { type, jobId, createdAfter, createdBefore } = filter;
  const conditions = [
    eq(events.accountId, accountId),
    after &&
      sql`(${events.createdAt}, ${events.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id})`,
    type && eq(events.type, type),
    jobId && eq(events.jobId, jobId),
    createdAfter && gt(events.createdAt, createdAfter),
    createdBefore && lt(events.createdAt, createdBefore),
  ];
  return db
    .select()
    .from(events)
    .where(and(...conditions.filter((condition) => typeof condition === "object" && condition !== null)))
    .orderBy(desc(events.createdAt), desc(events.id))
    .limit(limit + 1);
}

export async function findEvent(db: Database, accountId: string, id: string): Promise<StoredEvent | null> {
  const [event] = await db
    .select()
    .from(events)
    .where(and(eq(events.id, id), eq(events.accountId, accountId)));
  return event ?? null;
}

/** Numbered events of the account after a number, in their order. */
export async function eventsAfter(
  db: Database,
  accountId: string,
  request: { after: number; types: readonly EventType[] | null; limit: number },
): Promise<StoredEvent[]> {
  return db
    .select()
    .from(events)
    .where(
      and(
        eq(events.accountId, accountId),
        gt(events.sequence, request.after),
        request.types ? inArray(events.type, [...request.types]) : undefined,
      ),
    )
    .orderBy(asc(events.sequence))
    .limit(request.limit);
}

/** The number of the account's last numbered event; 0 before the first. */
export async function lastSequence(db: Database, accountId: string): Promise<number> {
  const [row] = await db
    .select({ last: eventSequences.last })
    .from(eventSequences)
    .where(eq(eventSequences.accountId, accountId));
  return row?.last ?? 0;
}

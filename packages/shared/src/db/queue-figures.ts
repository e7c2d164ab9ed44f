import { sql } from "drizzle-orm";
import { nowAt } from "./clock.ts";
import type { Database } from "./database.ts";

/** What waits. Counts stop at `counted`: a full queue must not make the question dear. */
export interface QueueFigures {
  /** Jobs that are queued. */
  queued: number;
  /** Jobs that run or are being canceled. */
  running: number;
  /** Since the submission of the job that waits longest; 0 when none does. */
  oldestSeconds: number;
  /** Jobs of workers that are silent. */
  lostLeases: number;
  /** Deliveries whose time has come. */
  dueDeliveries: number;
  /** Since the time of the delivery that is due longest. */
  oldestDueSeconds: number;
}

/** Numbers are exact up to this. */
const COUNTED_AT_MOST = 10_000;
const most = sql.raw(String(COUNTED_AT_MOST));

export async function readQueueFigures(db: Database): Promise<QueueFigures> {
  const [row] = await db.execute<QueueFigures & Record<string, unknown>>(queueFigures);
  if (row === undefined) throw new Error("a question without a table gave no row");
  return row;
}

/** The part of it that a worker may read. */
export type Backlog = Pick<QueueFigures, "queued" | "running" | "oldestSeconds">;

export async function readBacklog(db: Database): Promise<Backlog> {
  const [row] = await db.execute<Backlog & Record<string, unknown>>(sql`select ${backlog}`);
  if (row === undefined) throw new Error("a question without a table gave no row");
  return row;
}

/** The oldest is found by its deadline: few jobs ask for another than the default. */
const backlog = sql`
  (select count(*) from (select from jobs where status = 'queued' limit ${most}) q)::int as "queued",
  (select count(*) from (select from jobs where status in ('running', 'canceling') limit ${most}) r)::int as "running",
  coalesce((select extract(epoch from now() - j.created_at) from jobs j where j.status = 'queued'
    order by j.queue_deadline_at limit 1), 0)::float8 as "oldestSeconds"`;

/** Exported for the test that reads its plan. */
export const queueFigures = sql`
  select ${backlog},
    (select count(*) from (select from jobs where status in ('running', 'canceling') and lease_until < now()
      limit ${most}) l)::int as "lostLeases",
    (select count(*) from (select from deliveries where status = 'pending' and next_attempt_at <= ${nowAt()}
      limit ${most}) d)::int as "dueDeliveries",
    coalesce((select extract(epoch from now() - min(next_attempt_at)) from deliveries
      where status = 'pending' and next_attempt_at <= ${nowAt()}), 0)::float8 as "oldestDueSeconds"`;

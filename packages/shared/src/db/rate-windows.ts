import { sql } from "drizzle-orm";
import { takenFrom, windowAt } from "../domain/rate-window.ts";
import type { RateLimit, RateWindow, Taken } from "../domain/rate-window.ts";
import type { Database } from "./database.ts";

export interface TakeRate extends RateLimit {
  /** Of the bucket. */
  key: string;
  cost: number;
}

/**
 * `takeFrom` of domain/rate-window.ts as one statement, exact however many servers ask at once: the row is locked while
 * it is judged. A refusal writes nothing.
 */
export async function takeRate(db: Database, request: TakeRate, now: Date): Promise<Taken> {
  const { key, cost, limit, windowSeconds } = request;
  const nowMs = now.getTime();
  const windowMs = windowSeconds * 1000;
  const isOver = sql`${nowMs}::bigint >= w.start_ms + ${windowMs}::bigint`;
  const isForgotten = sql`${nowMs}::bigint >= w.start_ms + ${2 * windowMs}::bigint`;
  const start = sql`(case when ${isForgotten} then ${nowMs}::bigint when ${isOver} then w.start_ms + ${windowMs}::bigint else w.start_ms end)`;
  const used = sql`(case when ${isOver} then 0 else w.used end)`;
  const before = sql`(case when ${isForgotten} then 0 when ${isOver} then w.used else w.used_before end)`;
  const weight = sql`least(1, greatest(0, 1 - (${nowMs}::bigint - ${start})::float8 / ${windowMs}::float8))`;
  // The statement's own insert is not seen by the select beside it: that one shows the bucket to who was refused.
  const rows = await db.execute<{
    is_taken: boolean;
    start_ms: string;
    used: number;
    used_before: number;
  }>(sql`
    with taken as (
      insert into rate_windows as w (key, start_ms, used, used_before, stale_at)
      select ${key}, ${nowMs}::bigint, ${cost}::integer, 0, ${staleAt(request, now)}::timestamptz
      where ${cost}::integer <= ${limit}::integer
      on conflict (key) do update set
        start_ms = ${start}, used = ${used} + ${cost}::integer, used_before = ${before}, stale_at = excluded.stale_at
      where ${used} + ${before} * ${weight} + ${cost}::integer <= ${limit}::integer
      returning start_ms, used, used_before
    )
    select true as is_taken, start_ms, used, used_before from taken
    union all
    select false, start_ms, used, used_before from rate_windows
    where key = ${key} and not exists (select from taken)`);
  const row = rows[0];
  const isAllowed = row?.is_taken ?? false;
  const stored: RateWindow | null = row
    ? { startMs: Number(row.start_ms), used: row.used, usedBefore: row.used_before }
    : null;
  return takenFrom(windowAt(stored, request, nowMs), { limit, windowSeconds, cost, isAllowed }, nowMs);
}

/** Buckets that are full again. @returns how many. */
export async function forgetRateWindows(db: Database): Promise<number> {
  const forgotten = await db.execute(sql`delete from rate_windows where stale_at < now() returning key`);
  return forgotten.length;
}

function staleAt({ windowSeconds }: RateLimit, now: Date): string {
  return new Date(now.getTime() + 2 * windowSeconds * 1000).toISOString();
}

import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

const BATCH = 500;

/**
 * Gives each account's committed events that have no number yet the next ones, in the order in which they were
 * written. @returns how many.
 */
export async function numberEvents(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    // One at a time, each with a fresh look: two that saw the same events would leave gaps.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('earshot event numbers', 0))`);
    const rows = await tx.execute<{ numbered: number }>(numberBatch());
    return rows.reduce((sum, row) => sum + row.numbered, 0);
  });
}

function numberBatch() {
  return sql`
    with fresh as materialized (${unnumberedEvents(BATCH)}),
    placed as (
      select id, account_id, row_number() over (partition by account_id order by created_at, job_sequence, id) as place,
        count(*) over (partition by account_id) as numbered
      from fresh
    ),
    counted as (
      insert into event_sequences as s (account_id, last)
      select distinct account_id, numbered from placed
      on conflict (account_id) do update set last = s.last + excluded.last
      returning account_id, last
    ),
    given as (
      update events set sequence = counted.last - placed.numbered + placed.place
      from placed join counted using (account_id) where events.id = placed.id
      returning events.account_id
    )
    select count(*)::int as numbered from given group by account_id`;
}

/** Exported for the test that reads its plan. */
export function unnumberedEvents(limit: number) {
  return sql`
    select id, account_id, created_at, job_sequence from events
    where sequence is null order by created_at, job_sequence, id limit ${limit}`;
}

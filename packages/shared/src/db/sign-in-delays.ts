import { eq, lt, sql } from "drizzle-orm";
import { nowAt } from "./clock.ts";
import type { Database } from "./database.ts";
import { signInDelays } from "./schema.ts";

/** So many may fail at once; from then on each doubles the wait. After an hour of peace all is forgotten. */
const FREE_FAILURES = 5;
const LONGEST_WAIT_SECONDS = 300;

/**
 * Counts an attempt of `source` as failed before it is made, so that many at once are no way around the wait.
 * @returns 0, or the seconds that it has to wait before it may try.
 */
export async function takeAttempt(db: Database, source: string): Promise<number> {
  const failures = sql`case when d.failed_at < now() - interval '1 hour' then 1 else d.failures + 1 end`;
  const wait = sql`make_interval(secs => case when (${failures}) <= ${FREE_FAILURES} then 0
    else least(${LONGEST_WAIT_SECONDS}, power(2, least(20, (${failures}) - ${FREE_FAILURES}))) end)`;
  const taken = await db.execute(sql`
    insert into sign_in_delays as d (source, failures, failed_at, not_before) values (${source}, 1, now(), now())
    on conflict (source) do update set failures = ${failures}, failed_at = now(), not_before = now() + ${wait}
      where d.not_before <= ${nowAt()}
    returning 1`);
  if (taken.length > 0) return 0;
  const [row] = await db
    .select({ seconds: sql<number>`ceil(extract(epoch from ${signInDelays.notBefore} - now()))::integer` })
    .from(signInDelays)
    .where(eq(signInDelays.source, source));
  return Math.max(1, row?.seconds ?? 1);
}

/** The attempt did not fail after all. What failed before it stays counted: an own account resets nothing. */
export async function forgiveAttempt(db: Database, source: string): Promise<void> {
  await db
    .update(signInDelays)
    .set({ failures: sql`greatest(${signInDelays.failures} - 1, 0)`, notBefore: sql`now()` })
    .where(eq(signInDelays.source, source));
  await db.delete(signInDelays).where(lt(signInDelays.failedAt, sql`now() - interval '1 day'`));
}

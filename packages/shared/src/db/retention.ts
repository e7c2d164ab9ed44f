import { inArray, sql } from "drizzle-orm";
import { recordAudit } from "./audit.ts";
import type { Database } from "./database.ts";
import { accounts, events, idempotencyKeys, scrubOrders } from "./schema.ts";
import { SWEEP_BATCH } from "./sweep.ts";

const ACCOUNTS_AT_ONCE = 20;

/** Removes events past their time, with their deliveries and attempts, but none that still waits to be sent. */
export async function forgetEvents(db: Database, keptDays: number): Promise<number> {
  const [row] = await db.execute<{ count: number }>(
    sql`select retire_events(${keptDays}, ${SWEEP_BATCH}) as count`,
  );
  return row?.count ?? 0;
}

/**
 * Takes the metadata of deleted jobs out of their events and out of the saved answers to their submits, once nothing
 * of them waits to be delivered: what is sent is what was signed for.
 */
export async function scrubDeletedJobs(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    const ids = (
      await tx.execute<{ job_id: string }>(sql`
        select job_id from scrub_orders s
        where not exists (select from deliveries d where d.job_id = s.job_id and d.status = 'pending')
        limit ${SWEEP_BATCH}`)
    ).map(({ job_id: id }) => id);
    if (ids.length === 0) return 0;
    await scrubEvents(tx, ids);
    await scrubAnswers(tx, ids);
    await tx.delete(scrubOrders).where(inArray(scrubOrders.jobId, ids));
    return ids.length;
  });
}

async function scrubEvents(tx: Database, jobIds: string[]): Promise<void> {
  const found = await tx
    .select({ id: events.id, payload: events.payload })
    .from(events)
    .where(inArray(events.jobId, jobIds));
  const scrubbed = found.map(({ id, payload }) => ({ id, payload: scrubbedPayload(payload) }));
  await tx.execute(sql`
    update events set payload = given.payload, payload_full = null
    from jsonb_to_recordset(${JSON.stringify(scrubbed)}::jsonb) as given (id text, payload text)
    where events.id = given.id`);
}

async function scrubAnswers(tx: Database, jobIds: string[]): Promise<void> {
  const locations = jobIds.map((id) => `/v1/jobs/${id}`);
  const found = await tx
    .select({ location: idempotencyKeys.location, response: idempotencyKeys.response })
    .from(idempotencyKeys)
    .where(inArray(idempotencyKeys.location, locations));
  for (const { location, response } of found) {
    await tx
      .update(idempotencyKeys)
      .set({ response: JSON.stringify({ ...JSON.parse(response), metadata: {} }) })
      .where(sql`${idempotencyKeys.location} = ${location}`);
  }
}

/** Exported for its test. The order of fields stays. */
export function scrubbedPayload(payload: string): string {
  const { data, ...event } = JSON.parse(payload) as { data: Record<string, unknown> };
  if (!("metadata" in data) || Object.keys(data["metadata"] as object).length === 0) return payload;
  return JSON.stringify({ ...event, data: { ...data, metadata: {}, metadata_omitted: true } });
}

/** A batch of what each deleted account left. @returns how many rows went. */
export async function purgeDeletedAccounts(db: Database): Promise<number> {
  const deleted = await db
    .select({ id: accounts.id })
    .from(accounts)
    .where(sql`${accounts.deletedAt} is not null`)
    .limit(ACCOUNTS_AT_ONCE);
  let count = 0;
  for (const { id } of deleted) count += await purgeAccount(db, id);
  return count;
}

async function purgeAccount(db: Database, accountId: string): Promise<number> {
  return db.transaction(async (tx) => {
    const [row] = await tx.execute<{ gone: string | null }>(
      sql`select purge_account(${accountId}, ${SWEEP_BATCH})::text as gone`,
    );
    if (row?.gone !== null) return Number(row?.gone ?? 0);
    const actor = { kind: "system", id: "deliver" } as const;
    await recordAudit(tx, { accountId, actor, action: "account.purged", target: accountId });
    return 1;
  });
}

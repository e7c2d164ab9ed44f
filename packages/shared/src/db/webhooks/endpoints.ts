import { and, count, desc, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import { newId } from "../../crypto/ids.ts";
import type { SealKeys } from "../../crypto/seal.ts";
import { seal } from "../../crypto/seal.ts";
import { LIMITS } from "../../domain/limits.ts";
import { fromNow } from "../clock.ts";
import type { Database } from "../database.ts";
import { webhookEndpoints } from "../schema.ts";

function shown() {
  const {
    secretSealed: _sealed,
    previousSecretSealed: _previous,
    ...columns
  } = getTableColumns(webhookEndpoints);
  return columns;
}

/** An endpoint without its secrets. */
export type Endpoint = Omit<typeof webhookEndpoints.$inferSelect, "secretSealed" | "previousSecretSealed">;

export type EndpointSettings = Pick<
  Endpoint,
  "url" | "description" | "events" | "payload" | "metadata" | "enabled"
>;

/** @returns null when the account has as many as it may have. */
export async function insertEndpoint(
  tx: Database,
  sealKeys: SealKeys,
  input: EndpointSettings & { accountId: string; secret: string },
): Promise<Endpoint | null> {
  const { secret, ...settings } = input;
  // To the end of the transaction: two requests at once must not both be the last.
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`webhook endpoints ${input.accountId}`}, 0))`,
  );
  const live = and(eq(webhookEndpoints.accountId, input.accountId), isNull(webhookEndpoints.deletedAt));
  const [here] = await tx.select({ count: count() }).from(webhookEndpoints).where(live);
  if ((here?.count ?? 0) >= LIMITS.webhookEndpoints) return null;
  const id = newId("endpoint");
  const [endpoint] = await tx
    .insert(webhookEndpoints)
    .values({ ...settings, id, secretSealed: await seal(sealKeys, secret, id) })
    .returning(shown());
  return endpoint ?? null;
}

/** The account's endpoints, the newest first; there are LIMITS.webhookEndpoints at most. */
export async function listEndpoints(db: Database, accountId: string): Promise<Endpoint[]> {
  return db
    .select(shown())
    .from(webhookEndpoints)
    .where(and(eq(webhookEndpoints.accountId, accountId), isNull(webhookEndpoints.deletedAt)))
    .orderBy(desc(webhookEndpoints.createdAt), desc(webhookEndpoints.id));
}

export async function findEndpoint(db: Database, accountId: string, id: string): Promise<Endpoint | null> {
  const [endpoint] = await db.select(shown()).from(webhookEndpoints).where(isOwn(accountId, id));
  return endpoint ?? null;
}

/** Until the end of the transaction nobody else changes or recovers it. */
export async function holdEndpoint(tx: Database, accountId: string, id: string): Promise<Endpoint | null> {
  const own = isOwn(accountId, id);
  const [endpoint] = await tx.select(shown()).from(webhookEndpoints).where(own).for("update");
  return endpoint ?? null;
}

/** Enabling it forgets why it was disabled. */
export async function updateEndpoint(
  db: Database,
  accountId: string,
  id: string,
  change: Partial<EndpointSettings>,
): Promise<Endpoint | null> {
  const [endpoint] = await db
    .update(webhookEndpoints)
    .set({
      ...change,
      ...(change.enabled !== undefined && { disabledReason: null, disabledAt: null }),
      updatedAt: sql`now()`,
    })
    .where(isOwn(accountId, id))
    .returning(shown());
  if (endpoint && !endpoint.enabled) await hurryDeliveries(db, id);
  return endpoint ?? null;
}

/** A tombstone without secrets stays, for what was sent to it. @returns false when there is no such endpoint. */
export async function deleteEndpoint(db: Database, accountId: string, id: string): Promise<boolean> {
  const deleted = await db
    .update(webhookEndpoints)
    .set({
      enabled: false,
      deletedAt: sql`now()`,
      secretSealed: null,
      previousSecretSealed: null,
      previousSecretUntil: null,
    })
    .where(isOwn(accountId, id))
    .returning({ id: webhookEndpoints.id });
  if (deleted.length === 0) return false;
  await hurryDeliveries(db, id);
  return true;
}

/** The old secret signs beside the new one for `graceSeconds`; one that a rotation before had left is dropped. */
export async function rotateSecret(
  db: Database,
  sealKeys: SealKeys,
  request: { accountId: string; id: string; secret: string; graceSeconds: number },
): Promise<Endpoint | null> {
  const { accountId, id, secret, graceSeconds } = request;
  const isKept = graceSeconds > 0;
  const [endpoint] = await db
    .update(webhookEndpoints)
    .set({
      secretSealed: await seal(sealKeys, secret, id),
      previousSecretSealed: isKept ? sql`${webhookEndpoints.secretSealed}` : null,
      previousSecretUntil: isKept ? fromNow(graceSeconds) : null,
      updatedAt: sql`now()`,
    })
    .where(isOwn(accountId, id))
    .returning(shown());
  return endpoint ?? null;
}

/** What waits for an endpoint that is off is due at once: the deliverer closes it unsent. */
async function hurryDeliveries(db: Database, id: string): Promise<void> {
  await db.execute(sql`
    update deliveries set next_attempt_at = now()
    where lane = ${id} and status = 'pending' and lease_token is null and next_attempt_at > now()`);
}

function isOwn(accountId: string, id: string) {
  return and(
    eq(webhookEndpoints.id, id),
    eq(webhookEndpoints.accountId, accountId),
    isNull(webhookEndpoints.deletedAt),
  );
}

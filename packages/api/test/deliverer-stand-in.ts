import type { Database } from "@earshot/shared/db/database";
import { claimDeliveries, recordDeliveryAttempt } from "@earshot/shared/db/deliveries";
import type { AttemptRecord, Verdict } from "@earshot/shared/db/deliveries";
import { numberEvents } from "@earshot/shared/db/number-events";

/** Does in the database what the deliverer does, by its statements: each due delivery is attempted with this outcome. */
export async function deliverAll(
  db: Database,
  verdict: Verdict,
  record: Partial<AttemptRecord> = {},
): Promise<string[]> {
  await numberEvents(db);
  const claimed = await claimDeliveries(db, { limit: 1_000, leaseSeconds: 60 });
  for (const delivery of claimed) {
    const answer = { startedAt: new Date(), latencyMs: 7, statusCode: 200, error: null, responseHead: "ok" };
    await recordDeliveryAttempt(db, delivery, { ...answer, ...record }, verdict);
  }
  return claimed.map(({ eventId }) => eventId);
}

export const SUCCEEDED: Verdict = { status: "succeeded" };
export const FAILED: Verdict = { status: "failed" };

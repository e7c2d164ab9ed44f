import type { Database } from "@earshot/shared/db/database";
import { claimDeliveries } from "@earshot/shared/db/deliveries";
import { numberEvents } from "@earshot/shared/db/number-events";
import { recordAttempt } from "@earshot/shared/db/webhooks/record-attempt";
import type { AttemptRecord, Verdict } from "@earshot/shared/db/webhooks/record-attempt";

/** Does in the database what the deliverer does, by its statements: each due delivery is attempted with this outcome. */
export async function deliverAll(
  db: Database,
  verdict: Verdict,
  record: Partial<AttemptRecord> = {},
): Promise<string[]> {
  await numberEvents(db);
  const request = { limit: 1_000, laneLimit: 1_000, leaseSeconds: 60 };
  const { deliveries } = await claimDeliveries(db, request);
  for (const delivery of deliveries) {
    const answer = { startedAt: new Date(), latencyMs: 7, statusCode: 200, error: null, responseHead: "ok" };
    await recordAttempt(db, delivery, { ...answer, ...record }, verdict);
  }
  return deliveries.map(({ eventId }) => eventId);
}

export const SUCCEEDED: Verdict = { status: "succeeded" };
export const FAILED: Verdict = { status: "failed" };

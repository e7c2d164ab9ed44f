import type { Database } from "@earshot/shared/db/database";
import { claimDeliveries } from "@earshot/shared/db/deliveries";
import type { ClaimedDelivery } from "@earshot/shared/db/deliveries";
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
  const deliveries = await claimAll(db);
  for (const delivery of deliveries) {
    const answer = { startedAt: new Date(), latencyMs: 7, statusCode: 200, error: null, responseHead: "ok" };
    await recordAttempt(db, delivery, { ...answer, ...record }, verdict);
  }
  return deliveries.map(({ eventId }) => eventId);
}

export async function claimAll(db: Database): Promise<ClaimedDelivery[]> {
  const all: ClaimedDelivery[] = [];
  const request = { limit: 1_000, lanes: new Map<string, number>(), strangers: 1_000, leaseSeconds: 60 };
  for (;;) {
    // One of each lane.
    const { deliveries } = await claimDeliveries(db, request);
    if (deliveries.length === 0) return all;
    all.push(...deliveries);
  }
}

export const SUCCEEDED: Verdict = { status: "succeeded" };
export const FAILED: Verdict = { status: "failed" };

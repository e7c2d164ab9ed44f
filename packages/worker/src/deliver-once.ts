import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { Database } from "@earshot/shared/db/database";
import type { ClaimedDelivery } from "@earshot/shared/db/deliveries";
import {
  closeDelivery,
  recordDeliveryAttempt,
  releaseDelivery,
  signingSecrets,
} from "@earshot/shared/db/deliveries";
import type { Random } from "@earshot/shared/domain/backoff";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { attemptDelivery } from "./attempt-delivery.ts";
import type { EgressPolicy } from "@earshot/shared/egress/target";
import { persist } from "./persist.ts";

export interface DeliverOnceOptions {
  db: Database;
  sealKeys: SealKeys;
  policy: EgressPolicy;
  timeoutMs: number;
  leaseSeconds: number;
  random: Random;
  log: Log;
  /** Ends the attempt: the delivery is put back. */
  cut: AbortSignal;
  /** Ends everything, writing included. */
  abandoned: AbortSignal;
}

/**
 * Attempts a claimed delivery and records what came of it. What fails on our side (no key to sign with, no database) is
 * no attempt: the lease runs out and the delivery is claimed anew. It never throws.
 */
export async function deliverOnce(delivery: ClaimedDelivery, options: DeliverOnceOptions): Promise<void> {
  const { cut, log } = options;
  const ids = { delivery_id: delivery.id, event_id: delivery.eventId, attempt: delivery.attempt + 1 };
  try {
    if (!delivery.isWanted) {
      await closeDelivery(options.db, delivery);
      return log.info("delivery_closed", ids);
    }
    log.info("delivery_attempted", { ...ids, ...(await attemptAndRecord(delivery, options)) });
  } catch (error) {
    if (cut.aborted) return release(delivery, options);
    log.error("delivery_not_attempted", { ...ids, ...describeError(error) });
  }
}

async function attemptAndRecord(delivery: ClaimedDelivery, options: DeliverOnceOptions) {
  const { db, sealKeys, policy, timeoutMs, random, cut, abandoned } = options;
  const leaseMs = options.leaseSeconds * 1_000;
  const leaseOver = AbortSignal.any([abandoned, AbortSignal.timeout(leaseMs)]);
  // The attempt itself must still fit into the lease.
  const tooLate = AbortSignal.any([abandoned, AbortSignal.timeout(leaseMs / 2)]);

  const secrets = await persist(() => signingSecrets(db, sealKeys, delivery), tooLate);
  const now = () => new Date();
  const made = await attemptDelivery(delivery, { secrets, policy, timeoutMs, now, random, signal: cut });
  const { record, verdict } = made;
  // A receiver that has it must not get it again because of a short outage of the database.
  const counted = await persist(() => recordDeliveryAttempt(db, delivery, record, verdict), leaseOver);
  return {
    status_code: record.statusCode,
    error: record.error,
    latency_ms: record.latencyMs,
    verdict: verdict.status,
    counted,
  };
}

async function release(delivery: ClaimedDelivery, { db, log }: DeliverOnceOptions): Promise<void> {
  try {
    await releaseDelivery(db, delivery);
    log.info("delivery_released", { delivery_id: delivery.id });
  } catch (error) {
    log.warn("delivery_not_released", { delivery_id: delivery.id, ...describeError(error) });
  }
}

import type { Agents } from "./egress/keep-alive.ts";
import type { Resolve } from "./egress/checked-addresses.ts";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { Database } from "@earshot/shared/db/database";
import type { ClaimedDelivery } from "@earshot/shared/db/deliveries";
import { closeDelivery, recordAttempt, releaseDelivery } from "@earshot/shared/db/webhooks/record-attempt";
import { signingSecrets } from "@earshot/shared/db/webhooks/signing-secrets";
import type { Random } from "@earshot/shared/domain/backoff";
import type { EgressPolicy } from "@earshot/shared/egress/target";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { spanFields } from "@earshot/shared/tracing/span-record";
import { attemptDelivery } from "./attempt-delivery.ts";
import { persist } from "./persist.ts";

export interface DeliverOnceOptions {
  db: Database;
  sealKeys: SealKeys;
  policy: EgressPolicy;
  timeoutMs: number;
  leaseSeconds: number;
  random: Random;
  /** Default: this machine's clock for signatures, the database's for what is due. */
  clock?: (() => Date) | undefined;
  agents: Agents;
  resolve: Resolve;
  log: Log;
  /** Ends the attempt: the delivery is put back. */
  cut: AbortSignal;
  /** Ends everything, writing included. */
  abandoned: AbortSignal;
}

/**
 * Attempts a claimed delivery and records what came of it. What fails on our side (no key to sign with, no database) is
 * no attempt: the lease runs out and the delivery is claimed anew. It never throws.
 * @returns whether it arrived; null when it was not attempted.
 */
export async function deliverOnce(
  delivery: ClaimedDelivery,
  options: DeliverOnceOptions,
): Promise<boolean | null> {
  const { cut, log } = options;
  const ids = { delivery_id: delivery.id, event_id: delivery.eventId, attempt: delivery.attempt + 1 };
  try {
    if (!delivery.isWanted) {
      await closeDelivery(options.db, delivery);
      log.info("delivery_closed", ids);
      return null;
    }
    const outcome = await attemptAndRecord(delivery, options);
    log.info("delivery_attempted", { ...ids, ...outcome });
    return outcome.verdict === "succeeded";
  } catch (error) {
    if (cut.aborted) await release(delivery, options);
    else log.error("delivery_not_attempted", { ...ids, ...describeError(error) });
    return null;
  }
}

async function attemptAndRecord(delivery: ClaimedDelivery, options: DeliverOnceOptions) {
  const { db, sealKeys, policy, timeoutMs, random, clock, agents, resolve, cut, abandoned } = options;
  const leaseOver = AbortSignal.any([abandoned, AbortSignal.timeout(options.leaseSeconds * 1_000)]);
  const secrets = await signingSecrets(sealKeys, delivery);
  const now = clock ?? (() => new Date());
  const attempt = { secrets, policy, timeoutMs, now, random, agents, resolve, signal: cut };
  const { record, verdict, span } = await attemptDelivery(delivery, attempt);
  // A receiver that has it must not get it again because of a short outage of the database.
  const write = () => recordAttempt(db, delivery, record, verdict, clock?.());
  const { isCounted, disabled } = await persist(write, leaseOver);
  return {
    status_code: record.statusCode,
    error: record.error,
    latency_ms: record.latencyMs,
    verdict: verdict.status,
    counted: isCounted,
    ...(delivery.endpointId !== null && { endpoint_id: delivery.endpointId }),
    ...(disabled !== null && { disabled }),
    ...(span !== null && spanFields(span)),
  };
}

async function release(delivery: ClaimedDelivery, { db, log, clock }: DeliverOnceOptions): Promise<void> {
  try {
    await releaseDelivery(db, delivery, clock?.());
    log.info("delivery_released", { delivery_id: delivery.id });
  } catch (error) {
    log.warn("delivery_not_released", { delivery_id: delivery.id, ...describeError(error) });
  }
}

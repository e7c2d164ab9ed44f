import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { Database } from "@earshot/shared/db/database";
import type { ClaimedDelivery } from "@earshot/shared/db/deliveries";
import { claimDeliveries } from "@earshot/shared/db/deliveries";
import type { Random } from "@earshot/shared/domain/backoff";
import { jittered } from "@earshot/shared/domain/backoff";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import { createBell } from "./deliver-bell.ts";
import { Lanes } from "./deliver-lanes.ts";
import { deliverOnce } from "./deliver-once.ts";
import type { Resolve } from "./egress/checked-addresses.ts";
import { createAgents } from "./egress/keep-alive.ts";
import { resolveByDns } from "./egress/resolve-by-dns.ts";
import type { EgressPolicy } from "@earshot/shared/egress/target";

export interface DelivererOptions {
  db: Database;
  /** Calls `wake` when deliveries were added, and whenever it starts listening (anew). */
  listen(wake: () => void): Promise<unknown>;
  sealKeys: SealKeys;
  policy: EgressPolicy;
  log: Log;
  random: Random;
  /** For tests: in the place of this machine's clock and of the database's. */
  clock?: () => Date;
  /** Default: DNS, and what else this machine knows. */
  resolve?: Resolve;
  /** Attempts under way at once. */
  concurrency?: number;
  /** Of them, to one receiver that takes what it is sent. Any other has one. */
  perLane?: number;
  /** Of one attempt. Well under the lease, or a slow receiver is sent to twice. */
  timeoutMs?: number;
  leaseSeconds?: number;
  /** What is under way when a drain begins may take this long. */
  graceMs?: number;
}

export interface Deliverer {
  /** Delivers until `draining` aborts. @returns when nothing is under way any more; it never throws. */
  run(draining: AbortSignal): Promise<void>;
}

const DEFAULTS = {
  concurrency: 128,
  perLane: 8,
  timeoutMs: 15_000,
  leaseSeconds: 60,
  graceMs: 4_000,
};
/** A notification may be lost with its connection. */
const LONGEST_WAIT_MS = 30_000;
/** A due delivery that another process is just claiming must not make this one spin. */
const SHORTEST_WAIT_MS = 25;
const FIRST_RETRY_MS = 250;
/** After the grace: releases are written. */
const RELEASE_MS = 1_500;

/** Sends webhooks: claims what is due, attempts it, records what came of it. Any number of processes may run one. */
export function createDeliverer(options: DelivererOptions): Deliverer {
  const settings = { ...DEFAULTS, ...options };
  return { run: (draining) => deliver(settings, draining) };
}

type Settings = DelivererOptions & typeof DEFAULTS;

async function deliver(settings: Settings, draining: AbortSignal): Promise<void> {
  const { db, log, random, clock, concurrency, leaseSeconds } = settings;
  const bell = createBell();
  const lanes = new Lanes({ concurrency, perLane: settings.perLane });
  const agents = createAgents();
  const resolve = settings.resolve ?? resolveByDns();
  const inFlight = new Set<Promise<void>>();
  const graceOver = new AbortController();
  const abandoned = new AbortController();
  let failures = 0;

  const deliverInLane = async (delivery: ClaimedDelivery) => {
    lanes.begin(delivery.lane);
    const once = { ...settings, agents, resolve, cut: graceOver.signal, abandoned: abandoned.signal };
    lanes.end(delivery.lane, await deliverOnce(delivery, once));
  };

  const start = (delivery: ClaimedDelivery) => {
    const attempt = deliverInLane(delivery).finally(() => {
      inFlight.delete(attempt);
      // A place is free, and a retry may be due before anything else.
      bell.ring();
    });
    inFlight.add(attempt);
  };

  /** @returns milliseconds until it has to look again, if no bell rings before. */
  const startDue = async (): Promise<number> => {
    const free = concurrency - inFlight.size;
    if (free === 0) return LONGEST_WAIT_MS;
    const { deliveries, nextInMs } = await claimDeliveries(db, {
      limit: free,
      ...lanes.rooms(),
      leaseSeconds,
      now: clock?.(),
    });
    deliveries.forEach(start);
    // What is due and was not claimed waits for a place, and the end of an attempt rings.
    return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, Math.ceil(nextInMs ?? LONGEST_WAIT_MS)));
  };

  const backOff = (error: unknown): number => {
    log.warn("claim_deliveries_failed", describeError(error));
    return jittered(Math.min(LONGEST_WAIT_MS, FIRST_RETRY_MS * 2 ** Math.min(failures++, 10)), random);
  };

  // The driver listens again by itself after a loss; the timer covers the time between.
  settings.listen(bell.ring).catch((error: unknown) => log.warn("listen_failed", describeError(error)));
  while (!draining.aborted) {
    try {
      const waitMs = await startDue();
      failures = 0;
      await bell.wait(waitMs, draining);
    } catch (error) {
      await pause(backOff(error), draining);
    }
  }

  const settled = Promise.all(inFlight);
  if (await isLate(settled, settings.graceMs)) graceOver.abort(new Error("the deliverer drains"));
  if (await isLate(settled, RELEASE_MS)) abandoned.abort(new Error("the deliverer is gone"));
  agents.close();
}

async function isLate(work: Promise<unknown>, ms: number): Promise<boolean> {
  const done = new AbortController();
  const inTime = work.then(() => false).finally(() => done.abort());
  return Promise.race([inTime, pause(ms, done.signal).then(() => true)]);
}

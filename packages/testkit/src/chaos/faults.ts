import { setTimeout as delay } from "node:timers/promises";
import type { ChaosStack } from "./chaos-stack.ts";
import type { SeededRandom } from "./random.ts";
import type { Victim } from "./victim.ts";

/** Something bad. It resolves when it is over; what it did to others is for them to survive. */
export type Fault = (stack: ChaosStack, random: SeededRandom, jobIds: readonly string[]) => Promise<unknown>;

const lineOf = (stack: ChaosStack, { name }: Victim) => stack.databaseLines.get(name);
const anyVictim = ({ victims, api }: ChaosStack, random: SeededRandom) =>
  victims[random.below(victims.length)] ?? api;

export const FAULTS = {
  kill_lane: ({ workers }, random) => random.pick(workers).killChild(/lane\.main/),
  kill_decoder: ({ workers }, random) => random.pick(workers).killChild(/ffmpeg|tags\.main/),
  kill_worker: ({ workers }, random) => random.pick(workers).kill(),
  /** It is stopped until its leases have run out and others may have its jobs; then it goes on, and must write nothing. */
  stall_worker: async ({ workers, sql }, random) => {
    const stalled = random.pick(workers);
    stalled.signal("SIGSTOP");
    await sql`update jobs set lease_until = now() - interval '1 s' where status = 'running'`;
    await delay(2_000);
    stalled.signal("SIGCONT");
  },
  kill_api: ({ api }) => api.kill(),
  kill_deliverer: ({ deliver }) => deliver.kill(),
  crash_postgres: ({ postgres }) => postgres.crash(),
  /** Every message is gone. */
  restart_queue: ({ queue }) => queue.restart(),
  drop_messages: async ({ bell }) => {
    const received = await bell.receive({ maxMessages: 5, waitSeconds: 0 });
    for (const { receiptHandle } of received) await bell.delete(receiptHandle);
  },
  repeat_messages: async ({ bell, accountId }, random, jobIds) => {
    for (let times = 0; times < 5 && jobIds.length > 0; times++) {
      const jobId = jobIds[random.below(jobIds.length)] ?? "";
      await bell.ring({ v: 1, jobId, traceparent: null }, accountId);
    }
  },
  stall_database: async (stack, random) => lineOf(stack, anyVictim(stack, random))?.stallOpen(),
  cut_database: async (stack, random) => lineOf(stack, anyVictim(stack, random))?.cut(),
  slow_blobs: async ({ blobLine }) => {
    blobLine.slow(200);
    await delay(1_500);
    blobLine.heal();
  },
  fail_blobs: async ({ blobLine }) => {
    blobLine.refuse();
    await delay(800);
    blobLine.heal();
  },
  /** The database's clock goes on by an hour, as far as leases can tell. */
  lease_jumps_ahead: ({ sql }) =>
    sql`update jobs set lease_until = lease_until - interval '1 h' where status = 'running'`,
  lease_jumps_back: ({ sql }) =>
    sql`update jobs set lease_until = lease_until + interval '5 s' where status = 'running'`,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

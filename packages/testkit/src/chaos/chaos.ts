import { setTimeout as delay } from "node:timers/promises";
import { findProcesses } from "../processes.ts";
import { until } from "../until.ts";
import type { ChaosStack } from "./chaos-stack.ts";
import { startChaosStack } from "./chaos-stack.ts";
import { createChaosClient } from "./client.ts";
import type { ChaosClient } from "./client.ts";
import type { FaultName } from "./faults.ts";
import { FAULTS } from "./faults.ts";
import { findViolations } from "./invariants.ts";
import type { SeededRandom } from "./random.ts";
import { seededRandom } from "./random.ts";
import { beepsWav, toneWav } from "./tone.ts";

export interface ChaosOptions {
  seed: number;
  /** How long bad things happen. */
  seconds: number;
  /** Jobs that are submitted meanwhile, evenly. */
  jobs: number;
  /** Between two faults, on average. */
  faultEveryMs: number;
  /** One job in so many gives a result that is too large for its row and goes to the bucket. */
  largeEvery?: number;
  /** Each happens at least once, and then any of them. */
  faults?: readonly FaultName[];
  say(line: string): void;
}

export interface ChaosReport {
  seed: number;
  /** Whatever isn't as it must be. */
  violations: readonly string[];
  faults: Readonly<Record<string, number>>;
  statuses: Readonly<Record<string, number>>;
  attempts: Readonly<Record<string, number>>;
  /** Results that lie in the bucket. */
  blobs: number;
  /** From the end of the chaos until the last job and its webhook were done. */
  settledMs: number;
}

const LARGE_EVERY = 12;
const LEASE_SECONDS = 4;
const HURRY_EVERY_MS = 5_000;
const FAULT_WITHIN_MS = 90_000;
const SETTLE_MS = 150_000;
/** A backlog takes its time on a small machine. */
const SETTLE_MS_PER_JOB = 500;

/** The whole stack under faults, then left alone until all is done; what must hold then is read from the database. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, say } = options;
  const random = seededRandom(seed);
  const withinMs = SETTLE_MS + options.jobs * SETTLE_MS_PER_JOB;
  await using stack = await startChaosStack({ leaseSeconds: LEASE_SECONDS });
  const client = createChaosClient(stack, AbortSignal.timeout(options.seconds * 1_000 + withinMs));
  const uploadId = await client.upload(toneWav(1));
  const largeUploadId = await client.upload(beepsWav(LARGE_SECONDS));
  const accepted = new Map<string, string>();
  const done = new Map<string, number>();

  const order = { ...options, uploadId, largeUploadId, accepted };
  const submitting = submitAll(stack, client, { ...order, random: seededRandom(seed + 1) });
  submitting.catch(() => {});
  await makeTrouble(stack, random, options, { accepted, done });
  for (const line of [...stack.databaseLines.values(), stack.blobLine]) line.heal();
  // The faults may have ended each large one before; this one leaves its result in the bucket.
  const last = submitOne(stack, client, order, { number: options.jobs - 1, isLarge: true });
  const unanswered = await Promise.all([submitting, last]).then(
    () => [],
    (error: unknown) => [String(error)],
  );
  const quietSince = performance.now();
  const settled = await settle(stack, withinMs, say);
  const settledMs = Math.round(performance.now() - quietSince);

  const violations = [...unanswered, ...(await findViolations(stack, accepted))];
  if (!settled) violations.unshift(`not all was done ${withinMs} ms after the last fault`);
  const statuses = await countBy(stack, "status", "jobs");
  const attempts = await countBy(stack, "outcome", "job_attempts");
  const [large] = await stack.sql<{ count: number }[]>`
    select count(*)::int as count from task_results where blob_key is not null`;
  violations.push(...(await stopAll(stack)));
  if (violations.length > 0) tellLogs(stack, say);
  return {
    seed,
    violations,
    faults: Object.fromEntries(done),
    statuses,
    attempts,
    blobs: large?.count ?? 0,
    settledMs,
  };
}

const TASKS: readonly [readonly string[], ...(readonly string[])[]] = [
  ["speech.segments"],
  ["audio.features"],
  ["audio.features", "speech.segments"],
];

/** Each silence of so many beeps is a line of the result: more than a row takes (LIMITS.inlineResultBytes). */
const LARGE = { tasks: ["audio.features"], options: { "audio.features": { silence_min_seconds: 0 } } };
const LARGE_SECONDS = 600;

interface Submitting extends Pick<ChaosOptions, "jobs" | "seconds" | "largeEvery"> {
  uploadId: string;
  largeUploadId: string;
  /** Job ids by idempotency key. */
  accepted: Map<string, string>;
}

/** All but the last. */
async function submitAll(
  stack: ChaosStack,
  client: ChaosClient,
  options: Submitting & { random: SeededRandom },
): Promise<void> {
  const { jobs, seconds, largeEvery = LARGE_EVERY, random } = options;
  const pending: Promise<void>[] = [];
  for (let number = 0; number < jobs - 1; number++) {
    const one = {
      number,
      isLarge: number % largeEvery === largeEvery - 1,
      tasks: random.pick(TASKS),
      isCanceled: random.next() < 0.1,
    };
    pending.push(submitOne(stack, client, options, one));
    await delay((seconds * 1_000) / jobs);
  }
  await Promise.all(pending);
}

async function submitOne(
  stack: ChaosStack,
  client: ChaosClient,
  { uploadId, largeUploadId, accepted }: Submitting,
  one: { number: number; isLarge?: boolean; tasks?: readonly string[]; isCanceled?: boolean },
): Promise<void> {
  const order = one.isLarge
    ? { input: { upload_id: largeUploadId }, ...LARGE }
    : { input: { upload_id: uploadId }, tasks: one.tasks };
  const key = `chaos-${one.number}`;
  const webhook = { url: `${stack.receiver.url}/${one.number}` };
  const id = await client.submit(key, { ...order, webhook });
  accepted.set(key, id);
  if (one.isCanceled) await client.cancel(id);
}

async function makeTrouble(
  stack: ChaosStack,
  random: SeededRandom,
  { seconds, faultEveryMs, faults, say }: ChaosOptions,
  { accepted, done }: { accepted: ReadonlyMap<string, string>; done: Map<string, number> },
): Promise<void> {
  const all = faults ?? (Object.keys(FAULTS) as FaultName[]);
  const due = all.toSorted(() => random.next() - 0.5);
  const ends = performance.now() + seconds * 1_000;
  while (performance.now() < ends || due.length > 0) {
    const name = due.shift() ?? all[random.below(all.length)] ?? "kill_worker";
    say(`${name}`);
    // One that can't even be done is a fault of the test's own.
    await Promise.race([FAULTS[name](stack, random, [...accepted.values()]), overdue(name)]);
    done.set(name, (done.get(name) ?? 0) + 1);
    await delay(faultEveryMs * (0.5 + random.next()));
  }
}

async function overdue(name: FaultName): Promise<never> {
  await delay(FAULT_WITHIN_MS, undefined, { ref: false });
  throw new Error(`${name} was not over after ${FAULT_WITHIN_MS} ms`);
}

/** @returns false when it took too long. */
async function settle({ sql }: ChaosStack, withinMs: number, say: (line: string) => void): Promise<boolean> {
  let hurriedAt = -Infinity;
  const open = async () => {
    if (performance.now() - hurriedAt > HURRY_EVERY_MS) {
      hurriedAt = performance.now();
      // What an hour would do to delays and to the leases of a deliverer that is gone.
      await sql`update jobs set claimable_at = now() where status = 'queued' and claimable_at > now()`;
      await sql`update deliveries set next_attempt_at = now() where status = 'pending' and next_attempt_at > now()`;
    }
    const [row] = await sql<{ jobs: number; deliveries: number }[]>`
      select (select count(*) from jobs where finished_at is null)::int as jobs,
        (select count(*) from deliveries where status = 'pending')::int as deliveries`;
    return row?.jobs === 0 && row.deliveries === 0;
  };
  return until(open, { timeoutMs: withinMs, describe: "all jobs and webhooks to be done" }).catch(
    (error: unknown) => {
      say(String(error));
      return false;
    },
  );
}

async function countBy({ sql }: ChaosStack, column: string, table: string): Promise<Record<string, number>> {
  const rows = await sql<{ name: string | null; count: number }[]>`
    select ${sql(column)} as name, count(*)::int as count from ${sql(table)} group by 1 order by 1`;
  return Object.fromEntries(rows.map(({ name, count }) => [name ?? "none", count]));
}

/** All of them drain; nothing that they ever started is left. */
async function stopAll({ victims }: ChaosStack): Promise<string[]> {
  // One that still starts has no handler for signals yet.
  await Promise.all(victims.map((victim) => victim.ready()));
  const statuses = await Promise.all(victims.map((victim) => victim.stop()));
  const left = async () => {
    const pids = new Set(victims.flatMap(({ descendants }) => [...descendants]));
    return (await findProcesses()).filter(({ pid }) => pids.has(pid));
  };
  const areGone = await until(async () => (await left()).length === 0, {
    describe: "every child to be gone",
  }).catch(() => false);
  return [
    ...(areGone ? [] : (await left()).map(({ pid, command }) => `left running: ${pid} ${command}`)),
    ...victims.flatMap(({ name }, index) =>
      statuses[index] === 0 ? [] : [`${name} drained with ${statuses[index]}`],
    ),
    ...victims.flatMap(({ name, crashes }) => (crashes() > 0 ? [`${name} crashed ${crashes()} times`] : [])),
  ];
}

function tellLogs({ victims }: ChaosStack, say: (line: string) => void): void {
  for (const { name, log } of victims) say(`--- ${name}\n${log()}`);
}

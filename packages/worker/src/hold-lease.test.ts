import { openDatabase } from "@earshot/shared/db/database";
import { claimJob } from "@earshot/shared/db/jobs/claim-job";
import type { ClaimedJob } from "@earshot/shared/db/jobs/claim-job";
import { silentLog } from "@earshot/shared/log";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { holdLease } from "./hold-lease.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";

let stack: TestStack;
let worker: ReturnType<typeof openDatabase>;

beforeAll(async () => {
  stack = await startTestStack();
  worker = openDatabase({ url: stack.database.urls.worker, name: "test" });
});

afterAll(async () => {
  await worker.close();
  await stack[Symbol.asyncDispose]();
});

const LEASE_SECONDS = 1;

async function claimNew(): Promise<ClaimedJob> {
  const id = await stack.submit({ inputUrl: "https://example.com/a.wav" });
  const claim = await claimJob(worker.db, id, { workerId: "one", leaseSeconds: LEASE_SECONDS });
  if (claim.outcome !== "claimed") throw new Error(claim.outcome);
  return claim;
}

const reasonOf = (signal: AbortSignal) =>
  until(() => signal.aborted && signal.reason, { describe: "an interruption" });

test("a held lease outlives its term, and carries the latest progress", async () => {
  const { job, lease } = await claimNew();
  await using held = holdLease({ db: worker.db, lease, leaseSeconds: LEASE_SECONDS, log: silentLog });
  held.report({ stage: "decoding", fraction: 0.25 });
  const first = job.leaseUntil?.getTime() ?? 0;
  const later = await until(
    async () => {
      const now = await stack.job(job.id);
      return (now.leaseUntil?.getTime() ?? 0) > first + 2 * LEASE_SECONDS * 1_000 ? now : null;
    },
    { describe: "a lease that was extended twice over" },
  );
  expect(later).toMatchObject({
    status: "running",
    progressStage: "decoding",
    progressFraction: 0.25,
    attempt: 1,
  });
  expect(held.signal.aborted).toBe(false);
});

test("a lease that somebody else has taken is given up", async () => {
  const { job, lease } = await claimNew();
  await stack.sql`update jobs set lease_token = 'of another' where id = ${job.id}`;
  await using held = holdLease({ db: worker.db, lease, leaseSeconds: LEASE_SECONDS, log: silentLog });
  expect(await reasonOf(held.signal)).toMatchObject({ kind: "lease_lost" });
});

test("a beat brings back that the job is being canceled", async () => {
  const { job, lease } = await claimNew();
  await stack.sql`update jobs set status = 'canceling' where id = ${job.id}`;
  await using held = holdLease({ db: worker.db, lease, leaseSeconds: LEASE_SECONDS, log: silentLog });
  expect(await reasonOf(held.signal)).toMatchObject({ kind: "canceling" });
});

test("a database that stays away interrupts the work before the lease has run out", async () => {
  const { lease } = await claimNew();
  const nowhere = openDatabase({ url: "postgres://nobody@127.0.0.1:1/none", name: "test" });
  const started = performance.now();
  await using held = holdLease({ db: nowhere.db, lease, leaseSeconds: 2, log: silentLog });
  expect(await reasonOf(held.signal)).toMatchObject({ kind: "database_lost" });
  // Not at the first failed beat (0.5 s), but after five sixths of the lease.
  expect(performance.now() - started).toBeGreaterThan(1_600);
  await nowhere.close();
});

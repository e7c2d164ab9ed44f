import { newJob, openTestRooms, submitNewJob } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { TurnOptions } from "./claim-job.ts";
import { claimFromTable } from "./claim-job.ts";
import { returnToQueue } from "./end-attempt.ts";

const LARGE = "acc_large";
const SMALL = "acc_small";
const WORKER = { workerId: "w1", leaseSeconds: 60 };

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms({ connections: 8 });
});
beforeEach(async () => {
  await rooms.empty();
  await addAccount(LARGE);
  await addAccount(SMALL);
});
afterAll(() => rooms[Symbol.asyncDispose]());

const addAccount = (id: string, maxRunningJobs: number | null = null) => rooms.owner`
  insert into accounts (id, name, webhook_secret_sealed, max_running_jobs) values (${id}, 'test', '', ${maxRunningJobs})`;

/** Jobs that have waited for an hour, of high priority if need be. */
const fill = (accountId: string, count: number, priority = 0) => rooms.owner`
  insert into jobs (id, account_id, priority, input_url, tasks, timeout_seconds, retention_seconds, request_id,
    created_at, queue_deadline_at, claimable_at)
  select ${accountId} || '_' || n, ${accountId}, ${priority}::int, 'https://example.com', '{audio.features}', 60, 60, 'req',
    now() - interval '1 h', now() + interval '1 h', now() - interval '1 h' + n * interval '1 ms'
  from generate_series(1, ${count}::int) n`;

async function accountsOf(limit: number, options: Partial<TurnOptions> = {}): Promise<string[]> {
  const claimed = await claimFromTable(rooms.worker, limit, { ...WORKER, ...options });
  return claimed.map(({ job }) => job.accountId);
}

test("ten thousand waiting jobs of one account, of the highest priority, hold up no job of another", async () => {
  await fill(LARGE, 10_000, 1);
  await fill(SMALL, 3, -1);
  const order: string[] = [];
  for (let at = 0; at < 8; at++) order.push(...(await accountsOf(1)));
  expect(order.slice(0, 6).filter((id) => id === SMALL)).toHaveLength(3);
  expect(order.slice(6)).toEqual([LARGE, LARGE]);
});

test("one claim of many slots gives each account its share, and the rest to whoever can use it", async () => {
  await fill(LARGE, 10_000);
  await fill(SMALL, 2);
  const claimed = await accountsOf(6);
  expect(claimed.filter((id) => id === SMALL)).toHaveLength(2);
  expect(claimed.filter((id) => id === LARGE)).toHaveLength(4);
  expect(claimed.slice(0, 4).toSorted()).toEqual([LARGE, LARGE, SMALL, SMALL]);
});

test("the account with fewer running jobs is next; equals take turns", async () => {
  await fill(LARGE, 10);
  await fill(SMALL, 10);
  expect(await accountsOf(1, { after: LARGE })).toEqual([SMALL]);
  expect(await accountsOf(1, { after: SMALL })).toEqual([LARGE]);
  expect(await accountsOf(1, { after: SMALL })).toEqual([LARGE]);
  expect(await accountsOf(1, { after: LARGE })).toEqual([SMALL]);
});

test("within an account the class goes first, then who waits longest", async () => {
  await fill(LARGE, 2, -1);
  await rooms.owner`update jobs set id = 'low_' || id`;
  await fill(LARGE, 2);
  const ids = (await claimFromTable(rooms.worker, 4, WORKER)).map(({ job }) => job.id);
  expect(ids).toEqual(["acc_large_1", "acc_large_2", "low_acc_large_1", "low_acc_large_2"]);
});

test("an account has no more running jobs than it may, however many workers claim at once", async () => {
  await addAccount("acc_own", 3);
  await fill("acc_own", 50);
  await fill(LARGE, 50);
  const claims = await Promise.all(Array.from({ length: 12 }, () => accountsOf(2, { accountJobs: 5 })));
  const claimed = claims.flat();
  expect(claimed.filter((id) => id === "acc_own")).toHaveLength(3);
  expect(claimed.filter((id) => id === LARGE)).toHaveLength(5);
  expect(await accountsOf(2, { accountJobs: 5 })).toEqual([]);
});

test("a place is free again when a job has ended or gone back", async () => {
  await fill(LARGE, 5);
  const [first] = await claimFromTable(rooms.worker, 5, { ...WORKER, accountJobs: 1 });
  expect(await accountsOf(5, { accountJobs: 1 })).toEqual([]);
  if (first) await returnToQueue(rooms.worker, first.lease, { outcome: "retried", delaySeconds: 60 });
  expect(await accountsOf(5, { accountJobs: 1 })).toEqual([LARGE]);
});

test("a bell lets new jobs be taken at once, and none that waits for its next attempt", async () => {
  await submitNewJob(rooms.api, newJob(LARGE));
  expect(await accountsOf(5)).toEqual([]);
  const [taken] = await claimFromTable(rooms.worker, 5, { ...WORKER, ringing: true });
  expect(taken?.job.accountId).toBe(LARGE);
  if (taken) await returnToQueue(rooms.worker, taken.lease, { outcome: "retried", delaySeconds: 60 });
  expect(await accountsOf(5, { ringing: true })).toEqual([]);
});

test("a worker that hangs in the middle of a claim holds up the others for seconds only", async () => {
  await fill(LARGE, 5);
  const [inside, hung] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const claiming = rooms.worker.transaction(async (tx) => {
    await claimFromTable(tx, 1, WORKER);
    inside.resolve();
    await hung.promise;
  });
  claiming.catch(() => {});
  await inside.promise;
  expect(await accountsOf(1)).toEqual([LARGE]);
  hung.resolve();
  await expect(claiming).rejects.toThrow();
});

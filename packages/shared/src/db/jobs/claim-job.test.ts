import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cancelJob } from "./cancel-job.ts";
import type { ClaimedJob } from "./claim-job.ts";
import { claimFromTable, claimJob } from "./claim-job.ts";
import { countCharged, refundAttempt, returnToQueue } from "./end-attempt.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms({ connections: 8 });
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const WORKER = { workerId: "w1", leaseSeconds: 60 };
const OTHER = { workerId: "w2", leaseSeconds: 60 };

async function claim(jobId: string, options = WORKER): Promise<ClaimedJob> {
  const claimed = await claimJob(rooms.worker, jobId, options);
  if (claimed.outcome !== "claimed") throw new Error(`not claimed: ${claimed.outcome}`);
  return claimed;
}

const loseLease = (jobId: string) =>
  rooms.owner`update jobs set lease_until = now() - interval '1 s' where id = ${jobId}`;

const makeClaimable = () => rooms.owner`update jobs set claimable_at = now() - interval '1 s'`;

const attemptsOf = (jobId: string) =>
  rooms.owner`select attempt, worker_id, outcome, charged, ended_at is not null as ended
    from job_attempts where job_id = ${jobId} order by attempt`;

test("a bell claims a new job at once, with a lease by the database's clock", async () => {
  const { id } = await rooms.submit();
  const { job, lease } = await claim(id);
  expect(job).toMatchObject({ status: "running", attempt: 1, workerId: "w1", progressStage: "claimed" });
  expect(lease).toEqual({ jobId: id, token: job.leaseToken, attempt: 1 });
  const leaseMs = (job.leaseUntil?.getTime() ?? 0) - (job.startedAt?.getTime() ?? 0);
  expect(leaseMs).toBe(60_000);
  expect(await attemptsOf(id)).toEqual([
    { attempt: 1, worker_id: "w1", outcome: null, charged: true, ended: false },
  ]);
});

test("a message that comes again finds the job leased, then finished; one for no job finds nothing", async () => {
  const { id } = await rooms.submit();
  await claim(id);
  expect(await claimJob(rooms.worker, id, OTHER)).toEqual({ outcome: "leased" });
  const other = await rooms.submit();
  await cancelJob(rooms.api, rooms.accountId, other.id);
  expect(await claimJob(rooms.worker, other.id, OTHER)).toEqual({ outcome: "finished" });
  expect(await claimJob(rooms.worker, "job_none", OTHER)).toEqual({ outcome: "unknown" });
});

test("the same message delivered many times at once is claimed once", async () => {
  const { id } = await rooms.submit();
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimJob(rooms.worker, id, WORKER)));
  expect(claims.map(({ outcome }) => outcome).toSorted()).toEqual(["claimed", ...Array(7).fill("leased")]);
  expect(await attemptsOf(id)).toHaveLength(1);
});

test("the table gives no job before its bell had its time", async () => {
  await rooms.submit();
  expect(await claimFromTable(rooms.worker, 10, WORKER)).toEqual([]);
});

test("the table gives the highest priority first, then the oldest, and no more than asked for", async () => {
  const second = await rooms.submit();
  const third = await rooms.submit();
  const first = await rooms.submit({ priority: 5 });
  await rooms.submit();
  await rooms.owner`update jobs set claimable_at = created_at - interval '1 min' - (case id
    when ${second.id} then interval '3 s' when ${third.id} then interval '2 s' else interval '1 s' end)`;
  const claimed = await claimFromTable(rooms.worker, 3, WORKER);
  expect(claimed.map(({ job }) => job.id)).toEqual([first.id, second.id, third.id]);
  expect(await claimFromTable(rooms.worker, 3, WORKER)).toHaveLength(1);
});

test("workers that claim from the table at once get each job once", async () => {
  const jobs = await Promise.all(Array.from({ length: 40 }, () => rooms.submit()));
  await makeClaimable();
  const drain = async (workerId: string) => {
    const ids: string[] = [];
    for (;;) {
      const claimed = await claimFromTable(rooms.worker, 3, { workerId, leaseSeconds: 60 });
      if (claimed.length === 0) return ids;
      ids.push(...claimed.map(({ job }) => job.id));
    }
  };
  const taken = (await Promise.all(["a", "b", "c", "d", "e", "f"].map(drain))).flat();
  // A worker may find nothing while another holds the last rows locked; none may be taken twice.
  expect(taken.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
});

test.for(["bell", "table"])(
  "a lost lease is taken over by the %s, and the lost attempt is closed",
  async (way) => {
    const { id } = await rooms.submit();
    const first = await claim(id);
    expect(await claimFromTable(rooms.worker, 5, OTHER)).toEqual([]);
    await loseLease(id);
    const byTable = async () => (await claimFromTable(rooms.worker, 5, OTHER))[0];
    const second = way === "bell" ? await claim(id, OTHER) : await byTable();
    expect(second?.lease).toMatchObject({ jobId: id, attempt: 2 });
    expect(second?.lease.token).not.toBe(first.lease.token);
    expect(second?.job.startedAt).toEqual(first.job.startedAt);
    expect(await attemptsOf(id)).toEqual([
      { attempt: 1, worker_id: "w1", outcome: "lease_expired", charged: true, ended: true },
      { attempt: 2, worker_id: "w2", outcome: null, charged: true, ended: false },
    ]);
  },
);

test("a job that waits for its next attempt is left alone by a duplicate message", async () => {
  const { id } = await rooms.submit();
  const { lease } = await claim(id);
  expect(await returnToQueue(rooms.worker, lease, { outcome: "retried", delaySeconds: 300 })).toBe(true);
  expect(await claimJob(rooms.worker, id, OTHER)).toEqual({ outcome: "leased" });
  expect(await claimFromTable(rooms.worker, 5, OTHER)).toEqual([]);
  await makeClaimable();
  expect((await claim(id, OTHER)).lease.attempt).toBe(2);
});

test("three charged attempts are the budget, for the bell and for the table", async () => {
  const { id } = await rooms.submit();
  for (const attempt of [1, 2, 3]) {
    expect((await claim(id)).lease.attempt).toBe(attempt);
    await loseLease(id);
  }
  expect(await claimJob(rooms.worker, id, WORKER)).toEqual({ outcome: "leased" });
  expect(await claimFromTable(rooms.worker, 5, WORKER)).toEqual([]);
});

test("a hand-back costs nothing and the job can be claimed at once, up to twenty attempts in all", async () => {
  const { id } = await rooms.submit();
  for (let attempt = 1; attempt <= 20; attempt++) {
    const [claimed] = attempt % 2 === 0 ? await claimFromTable(rooms.worker, 1, WORKER) : [await claim(id)];
    if (!claimed) throw new Error(`attempt ${attempt} was not claimed`);
    expect(claimed.lease.attempt).toBe(attempt);
    const outcome = { outcome: "handed_back", delaySeconds: 0 } as const;
    expect(await returnToQueue(rooms.worker, claimed.lease, outcome)).toBe(attempt < 20);
  }
  expect(await countCharged(rooms.worker, id)).toBe(1);
  await loseLease(id);
  expect(await claimJob(rooms.worker, id, WORKER)).toEqual({ outcome: "leased" });
  expect(await claimFromTable(rooms.worker, 1, WORKER)).toEqual([]);
});

test("a refund takes an attempt off the budget, once, however often it is written", async () => {
  const { id } = await rooms.submit();
  const { lease } = await claim(id);
  await loseLease(id);
  await claim(id, OTHER);
  expect(await countCharged(rooms.worker, id)).toBe(2);
  await refundAttempt(rooms.worker, lease);
  const afterOne = await attemptsOf(id);
  await refundAttempt(rooms.worker, lease);
  expect(await attemptsOf(id)).toEqual(afterOne);
  expect(afterOne[0]).toMatchObject({ attempt: 1, outcome: "database_lost", charged: false, ended: true });
  expect(await countCharged(rooms.worker, id)).toBe(1);
});

test("a refund leaves an attempt alone whose end did commit", async () => {
  const { id } = await rooms.submit();
  const { lease } = await claim(id);
  await returnToQueue(rooms.worker, lease, { outcome: "retried", delaySeconds: 0 });
  await refundAttempt(rooms.worker, lease);
  expect(await attemptsOf(id)).toMatchObject([{ outcome: "retried", charged: true }]);
});

test("the start is announced once, in the transaction of the claim, to those who asked", async () => {
  const quiet = await rooms.submit({ webhookUrl: "https://example.com/hook" });
  const asked = await rooms.submit({
    webhookUrl: "https://example.com/hook",
    webhookEvents: ["job.started"],
  });
  for (const { id } of [quiet, asked]) {
    await claim(id);
    await loseLease(id);
    await claim(id);
  }
  const started = await rooms.owner`
    select e.job_id, e.type, d.url from events e left join deliveries d on d.event_id = e.id`;
  expect(started).toEqual([{ job_id: asked.id, type: "job.started", url: "https://example.com/hook" }]);
});

import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { planBlobDeletion } from "../sweep.ts";
import { beat } from "./beat.ts";
import { cancelJob } from "./cancel-job.ts";
import { claimJob } from "./claim-job.ts";
import { countCharged, returnToQueue } from "./end-attempt.ts";
import type { Finish, NewTaskResult } from "./finish-job.ts";
import { cancelRunningJob, finishJob } from "./finish-job.ts";
import type { Job, Lease } from "./job.ts";
import { findJobStory } from "../job-stories.ts";
import { findJob, listTaskResults } from "./read-job.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const HOOK = "https://example.com/hook";
const PROGRESS = { stage: "decode", fraction: 0.5 };

const RESULT: NewTaskResult = {
  task: "audio.features",
  status: "succeeded",
  errorCode: null,
  model: null,
  version: "1",
  device: "cpu",
  summary: { loudness_lufs: -23 },
  body: '{"b": 1, "a": 2}',
  blobKey: null,
  bodyBytes: 16,
  bodySha256: "00",
  keyId: null,
};

const FINISH: Finish = {
  status: "succeeded",
  results: [RESULT],
  embeddings: [{ space: "s@1", vec: [0.5, -0.25] }],
  input: { duration_seconds: 1.5, codec: "pcm", channels: 1, sample_rate: 8_000, sha256: "00", tags: {} },
  warnings: [],
  computeSeconds: 0.25,
  device: "cpu",
  error: null,
};

async function claim(jobId: string, workerId = "w1"): Promise<Lease> {
  const claimed = await claimJob(rooms.worker, jobId, { workerId, leaseSeconds: 60 });
  if (claimed.outcome !== "claimed") throw new Error(`not claimed: ${claimed.outcome}`);
  return claimed.lease;
}

async function running(overrides: Parameters<TestRooms["submit"]>[0] = {}): Promise<Lease> {
  const { id } = await rooms.submit({ webhookUrl: HOOK, ...overrides });
  return claim(id);
}

async function read(jobId: string): Promise<Job> {
  const job = await findJob(rooms.api, rooms.accountId, jobId);
  if (job === null) throw new Error("the job is gone");
  return job;
}

/** All that a worker could have written. */
async function snapshot() {
  const { owner } = rooms;
  return {
    jobs: await owner`select * from jobs order by id`,
    attempts: await owner`select * from job_attempts order by job_id, attempt`,
    results: await owner`select * from task_results`,
    embeddings: await owner`select *, to_json(vec) as vec from embeddings`,
    events: await owner`select id, type from events order by id`,
    deliveries: await owner`select event_id, url from deliveries`,
  };
}

test("a finished job has its results, its usage, its end and one event with a delivery", async () => {
  const lease = await running({ metadata: { take: "7" }, retentionSeconds: 100 });
  expect(await finishJob(rooms.worker, lease, FINISH)).toBe(true);
  const job = await read(lease.jobId);
  expect(job).toMatchObject({
    status: "succeeded",
    audioSeconds: 1.5,
    computeSeconds: 0.25,
    leaseToken: null,
  });
  expect(job.inputInfo).toEqual(FINISH.input);
  expect((job.expiresAt?.getTime() ?? 0) - (job.finishedAt?.getTime() ?? 0)).toBe(100_000);
  expect(await listTaskResults(rooms.api, lease.jobId)).toMatchObject([
    { ...RESULT, position: 0, attempt: 1 },
  ]);
  const { events, deliveries, embeddings, attempts } = await snapshot();
  expect(events).toMatchObject([{ type: "job.succeeded" }]);
  expect(deliveries).toEqual([{ event_id: events[0]?.["id"], url: HOOK }]);
  expect(embeddings).toMatchObject([{ space: "s@1", vec: [0.5, -0.25] }]);
  expect(attempts).toMatchObject([{ outcome: "succeeded", charged: true }]);
});

test("the event tells status, tasks and metadata, and no results", async () => {
  const lease = await running({ metadata: { take: "7" } });
  await finishJob(rooms.worker, lease, FINISH);
  const [event] = await rooms.owner<{ payload: string }[]>`select payload from events`;
  expect(JSON.parse(event?.payload ?? "")).toEqual({
    type: "job.succeeded",
    timestamp: (await read(lease.jobId)).finishedAt?.toISOString(),
    data: {
      id: lease.jobId,
      sequence: 1,
      status: "succeeded",
      attempt: 1,
      tasks: [{ task: "audio.features", status: "succeeded" }],
      error: null,
      metadata: { take: "7" },
      links: { self: `/v1/jobs/${lease.jobId}`, result: `/v1/jobs/${lease.jobId}/result` },
    },
  });
});

test("results keep the order in which the worker gave them", async () => {
  const lease = await running({ tasks: ["speech.segments", "audio.features"] });
  const failed: NewTaskResult = {
    ...RESULT,
    task: "speech.segments",
    status: "failed",
    errorCode: "internal",
  };
  await finishJob(rooms.worker, lease, { ...FINISH, status: "partial", results: [failed, RESULT] });
  const story = await findJobStory(rooms.api, rooms.accountId, lease.jobId);
  expect(story?.outcomes.map(({ task, status }) => [task, status])).toEqual([
    ["speech.segments", "failed"],
    ["audio.features", "succeeded"],
  ]);
});

test("a job without a webhook gets its event and no delivery", async () => {
  const lease = await running({ webhookUrl: null });
  await finishJob(rooms.worker, lease, FINISH);
  const { events, deliveries } = await snapshot();
  expect([events.length, deliveries.length]).toEqual([1, 0]);
});

test("when one row of the end can't be written, none is", async () => {
  const lease = await running();
  const before = await snapshot();
  const twice = finishJob(rooms.worker, lease, { ...FINISH, results: [RESULT, RESULT] });
  await expect(twice).rejects.toThrow();
  expect(await snapshot()).toEqual(before);
  expect(await finishJob(rooms.worker, lease, FINISH)).toBe(true);
});

test("the end of a job takes back the orders to delete its blobs, and no other", async () => {
  const lease = await running();
  await planBlobDeletion(rooms.worker, "results/mine", 3_600);
  await planBlobDeletion(rooms.worker, "results/other", 3_600);
  const results = [{ ...RESULT, body: null, blobKey: "results/mine" }];
  await finishJob(rooms.worker, lease, { ...FINISH, results });
  expect(await rooms.owner`select blob_key from blob_deletions`).toEqual([{ blob_key: "results/other" }]);
});

test("a job ends once: a second end by the same lease changes nothing", async () => {
  const lease = await running();
  await finishJob(rooms.worker, lease, FINISH);
  const before = await snapshot();
  expect(await finishJob(rooms.worker, lease, { ...FINISH, status: "failed" })).toBe(false);
  expect(await snapshot()).toEqual(before);
});

test.for<[string, (lease: Lease) => Promise<unknown>, unknown]>([
  ["beat", (lease) => beat(rooms.worker, lease, { leaseSeconds: 60, progress: PROGRESS }), "lost"],
  ["end", (lease) => finishJob(rooms.worker, lease, FINISH), false],
  ["cancellation", (lease) => cancelRunningJob(rooms.worker, lease), false],
  [
    "hand-back",
    (lease) => returnToQueue(rooms.worker, lease, { outcome: "handed_back", delaySeconds: 0 }),
    false,
  ],
  ["retry", (lease) => returnToQueue(rooms.worker, lease, { outcome: "retried", delaySeconds: 5 }), false],
])("a stale worker's %s is refused and changes nothing", async ([, write, answer]) => {
  const stale = await running();
  await rooms.owner`update jobs set lease_until = now() - interval '1 s'`;
  const fresh = await claim(stale.jobId, "w2");
  for (const status of ["running", "canceling"]) {
    await rooms.owner`update jobs set status = ${status}`;
    const before = await snapshot();
    expect(await write(stale)).toBe(answer);
    expect(await snapshot()).toEqual(before);
  }
  expect(await cancelRunningJob(rooms.worker, fresh)).toBe(true);
});

test("a beat extends the lease and carries progress", async () => {
  const lease = await running();
  await rooms.owner`update jobs set lease_until = now() + interval '1 s'`;
  expect(await beat(rooms.worker, lease, { leaseSeconds: 60, progress: PROGRESS })).toBe("running");
  const [row] = await rooms.owner`
    select progress_stage, progress_fraction, lease_until > now() + interval '50 s' as extended from jobs`;
  expect(row).toEqual({ progress_stage: "decode", progress_fraction: 0.5, extended: true });
});

test("a beat brings back that the job is to be canceled, and keeps the lease until the worker has stopped", async () => {
  const lease = await running();
  expect(await cancelJob(rooms.api, rooms.accountId, lease.jobId)).toMatchObject({ status: "canceling" });
  expect(await beat(rooms.worker, lease, { leaseSeconds: 60, progress: PROGRESS })).toBe("canceling");
  expect(await finishJob(rooms.worker, lease, FINISH)).toBe(false);
  expect(await cancelRunningJob(rooms.worker, lease)).toBe(true);
  const { events, deliveries, results, attempts } = await snapshot();
  expect([events, deliveries.length, results.length]).toMatchObject([[{ type: "job.canceled" }], 1, 0]);
  expect(attempts).toMatchObject([{ outcome: "canceled" }]);
  expect(await beat(rooms.worker, lease, { leaseSeconds: 60, progress: PROGRESS })).toBe("lost");
});

test("a queued job is canceled at once, with its event", async () => {
  const { id } = await rooms.submit({ webhookUrl: HOOK });
  expect(await cancelJob(rooms.api, rooms.accountId, id)).toMatchObject({
    status: "canceled",
    errorCode: "canceled",
    errorMessage: "The job was canceled.",
  });
  const { events, deliveries } = await snapshot();
  expect([events, deliveries.length]).toMatchObject([[{ type: "job.canceled" }], 1]);
});

test("a final job can't be canceled, nor another account's, nor one that isn't there", async () => {
  const lease = await running();
  const queued = await rooms.submit();
  await finishJob(rooms.worker, lease, FINISH);
  expect(await cancelJob(rooms.api, rooms.accountId, lease.jobId)).toBeNull();
  expect(await cancelJob(rooms.api, "acc_other", queued.id)).toBeNull();
  expect(await cancelJob(rooms.api, rooms.accountId, "job_none")).toBeNull();
  expect(await read(queued.id)).toMatchObject({ status: "queued" });
});

test("a job handed back while somebody cancels it is canceled", async () => {
  const lease = await running();
  let canceled: Promise<Job | null> | undefined;
  await rooms.owner.begin(async (tx) => {
    await tx`select id from jobs for update`;
    canceled = cancelJob(rooms.api, rooms.accountId, lease.jobId);
    await waitForLock();
    await tx`update jobs set status = 'queued', lease_token = null, lease_until = null`;
  });
  expect(await canceled).toMatchObject({ status: "canceled" });
});

async function waitForLock(): Promise<void> {
  const waiting = () => rooms.owner`select 1 from pg_locks where not granted limit 1`;
  for (let rows = await waiting(); rows.length === 0; rows = await waiting());
}

test("a hand-back puts the job back at once and is not charged; a retry waits and is", async () => {
  const lease = await running();
  await returnToQueue(rooms.worker, lease, { outcome: "handed_back", delaySeconds: 0 });
  expect(await countCharged(rooms.worker, lease.jobId)).toBe(0);
  const again = await claim(lease.jobId);
  await returnToQueue(rooms.worker, again, { outcome: "retried", delaySeconds: 100 });
  expect(await countCharged(rooms.worker, lease.jobId)).toBe(1);
  const [row] = await rooms.owner`
    select status, claimable_at > now() + interval '90 s' as later, progress_stage, lease_token from jobs`;
  expect(row).toEqual({ status: "queued", later: true, progress_stage: null, lease_token: null });
});

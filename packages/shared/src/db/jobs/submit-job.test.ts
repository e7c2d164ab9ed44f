import { newJob, openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Job } from "./job.ts";
import { submitJob } from "./submit-job.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms({ connections: 12 });
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const ROUTE = "POST /v1/jobs";
const answerFor = (job: Job) => ({ status: 202, location: `/v1/jobs/${job.id}`, body: `{"id":"${job.id}"}` });

function submitUnder(key: string, options: { bodySha256?: string; accountId?: string } = {}) {
  const { bodySha256 = "same", accountId = rooms.accountId } = options;
  const idempotency = { route: ROUTE, key, bodySha256 };
  return submitJob(rooms.api, { job: newJob(accountId), idempotency, answerFor });
}

async function countJobs(): Promise<number> {
  const [row] = await rooms.owner<{ count: number }[]>`select count(*)::int as count from jobs`;
  return row?.count ?? 0;
}

test("a submitted job is queued, and the table may be claimed from once its bell had its time", async () => {
  const job = await rooms.submit({ queueDeadlineSeconds: 600, metadata: { take: "7" } });
  expect(job).toMatchObject({ status: "queued", attempt: 0, metadata: { take: "7" }, leaseToken: null });
  expect(job.claimableAt.getTime() - job.createdAt.getTime()).toBe(30_000);
  expect(job.queueDeadlineAt.getTime() - job.createdAt.getTime()).toBe(600_000);
  expect(job).not.toHaveProperty("webhookSecretSealed");
});

test("a repeated request gets the first one's bytes and makes no second job", async () => {
  const first = await submitUnder("k1");
  const second = await submitUnder("k1");
  expect(first.outcome).toBe("created");
  expect(second).toEqual({ outcome: "replayed", answer: "answer" in first && first.answer });
  expect(await countJobs()).toBe(1);
});

test("a key under another body is refused", async () => {
  await submitUnder("k1");
  expect(await submitUnder("k1", { bodySha256: "other" })).toEqual({ outcome: "key_reused" });
  expect(await countJobs()).toBe(1);
});

test("two accounts may use one key", async () => {
  await rooms.owner`insert into accounts (id, name, webhook_secret_sealed) values ('acc_other', 'other', '-')`;
  expect((await submitUnder("k1")).outcome).toBe("created");
  expect((await submitUnder("k1", { accountId: "acc_other" })).outcome).toBe("created");
});

test("of many requests at once under one key, one makes a job and the others are told so", async () => {
  const submissions = await Promise.all(Array.from({ length: 12 }, () => submitUnder("race")));
  const outcomes = submissions.map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === "key_reused")).toHaveLength(0);
  expect(await countJobs()).toBe(1);
});

test("while the first request is not committed, the second is told that it runs", async () => {
  let whileOpen: unknown;
  await rooms.api.transaction(async (tx) => {
    const idempotency = { route: ROUTE, key: "slow", bodySha256: "same" };
    await submitJob(tx, { job: newJob(rooms.accountId), idempotency, answerFor });
    whileOpen = await submitUnder("slow");
  });
  expect(whileOpen).toEqual({ outcome: "in_flight" });
  expect((await submitUnder("slow")).outcome).toBe("replayed");
});

test("a request that fails leaves neither job nor key behind", async () => {
  const broken = submitJob(rooms.api, {
    job: newJob(rooms.accountId),
    idempotency: { route: ROUTE, key: "k1", bodySha256: "same" },
    answerFor() {
      throw new Error("broken");
    },
  });
  await expect(broken).rejects.toThrow("broken");
  expect(await countJobs()).toBe(0);
  expect((await submitUnder("k1")).outcome).toBe("created");
});

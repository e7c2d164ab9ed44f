import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findJobStory } from "./job-stories.ts";
import { beat } from "./jobs/beat.ts";
import { claimJob } from "./jobs/claim-job.ts";
import { returnToQueue } from "./jobs/end-attempt.ts";
import type { Lease } from "./jobs/job.ts";
import { findJob } from "./jobs/read-job.ts";

let rooms: TestRooms;
beforeAll(async () => void (rooms = await openTestRooms()));
afterAll(() => rooms[Symbol.asyncDispose]());

async function claim(jobId: string): Promise<Lease> {
  const claimed = await claimJob(rooms.worker, jobId, { workerId: "w", leaseSeconds: 60 });
  if (claimed.outcome !== "claimed") throw new Error(claimed.outcome);
  return claimed.lease;
}

test("a story is the job as it is, with its attempts in their order", async () => {
  const { id } = await rooms.submit();
  const first = await claim(id);
  await returnToQueue(rooms.worker, first, { outcome: "handed_back", delaySeconds: 0 });
  await claim(id);
  const story = await findJobStory(rooms.api, rooms.accountId, id);
  expect(story?.job).toEqual(await findJob(rooms.api, rooms.accountId, id));
  expect(story?.attempts).toEqual([
    { attempt: 1, claimedAt: expect.any(Date), endedAt: expect.any(Date), outcome: "handed_back" },
    { attempt: 2, claimedAt: expect.any(Date), endedAt: null, outcome: null },
  ]);
  expect(story?.outcomes).toEqual([]);
});

test("each change of the job gives another version", async () => {
  const { id } = await rooms.submit();
  const versionOf = async () => (await findJobStory(rooms.api, rooms.accountId, id))?.version;
  const queued = await versionOf();
  expect(await versionOf()).toBe(queued);
  await claim(id);
  expect(await versionOf()).not.toBe(queued);
});

test("another account finds nothing", async () => {
  const { id } = await rooms.submit();
  expect(await findJobStory(rooms.api, "acc_other", id)).toBeNull();
});

test("progress is announced once a stage and a whole percent, and a beat that only extends the lease is not", async () => {
  const { id } = await rooms.submit();
  const lease = await claim(id);
  const heard: string[] = [];
  const { unlisten } = await rooms.deliverSql.listen("earshot_jobs", (payload) => void heard.push(payload));
  const report = (stage: string, fraction: number) =>
    beat(rooms.worker, lease, { leaseSeconds: 60, progress: { stage, fraction } });
  await report("decoding", 0.101);
  await report("decoding", 0.101);
  await report("decoding", 0.102);
  await report("decoding", 0.109);
  await report("decoding", 0.125);
  await report("inferring", 0.125);
  // What was sent before it is heard before it.
  const probe = Promise.withResolvers<void>();
  const other = await rooms.deliverSql.listen("probe", () => probe.resolve());
  await rooms.deliverSql.notify("probe", "");
  await probe.promise;
  expect(heard).toEqual([id, id, id]);
  await Promise.all([unlisten(), other.unlisten()]);
});

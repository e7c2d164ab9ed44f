import { newJob, openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newId } from "../../crypto/ids.ts";
import { insertUpload } from "../uploads.ts";
import { cancelJob } from "./cancel-job.ts";
import { deleteJob } from "./delete-job.ts";
import { retryJob } from "./retry-job.ts";
import type { OrderedJob } from "./retry-job.ts";
import type { NewJob } from "./submit-job.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms({ connections: 4 });
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

async function canceledJob(): Promise<{ jobId: string; uploadId: string }> {
  const uploadId = newId("upload");
  const facts = { filename: "a.wav", contentType: "audio/wav", sizeBytes: 4, sha256: null, openSeconds: 60 };
  await insertUpload(rooms.api, { id: uploadId, accountId: rooms.accountId, ...facts });
  const { id: jobId } = await rooms.submit({ inputUrl: null, uploadId });
  await cancelJob(rooms.api, rooms.accountId, jobId);
  return { jobId, uploadId };
}

const again = async ({ id, accountId, inputUrl, uploadId }: OrderedJob): Promise<NewJob> =>
  newJob(accountId, { inputUrl, uploadId, retriedFrom: id });

function retry(jobId: string, make = again, accountId = rooms.accountId) {
  const answerFor = () => ({ status: 202, location: null, body: "" });
  return retryJob(rooms.api, { accountId, jobId, idempotency: null, newJob: make, answerFor });
}

const remove = (jobId: string) => deleteJob(rooms.api, rooms.accountId, jobId);

/** True once one of the connections waits for another's lock. */
async function someoneWaits(): Promise<boolean> {
  const [row] = await rooms.owner`
    select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return row?.count > 0;
}

test("a deletion waits for a retry that is being made, and leaves it its audio", async () => {
  const { jobId, uploadId } = await canceledJob();
  let deletion: Promise<unknown> | undefined;
  const retried = await retry(jobId, async (old) => {
    // The upload is held by now.
    deletion = remove(jobId);
    await expect.poll(someoneWaits, { interval: 10 }).toBe(true);
    return again(old);
  });
  expect(retried.outcome).toBe("created");
  expect(await deletion).toEqual({ outcome: "deleted", blobKeys: [] });
  expect(await rooms.owner`select deleted_at from uploads where id = ${uploadId}`).toEqual([
    { deleted_at: null },
  ]);
});

test("a retry after the upload went finds its input gone", async () => {
  const { jobId, uploadId } = await canceledJob();
  const second = await retry(jobId);
  if (second.outcome !== "created") throw new Error("the job is retried");
  await cancelJob(rooms.api, rooms.accountId, second.job.id);
  await rooms.owner`update uploads set deleted_at = now() where id = ${uploadId}`;
  expect(await retry(second.job.id)).toEqual({ outcome: "input_gone" });
});

test("the blob of the audio is ordered deleted in the same transaction", async () => {
  const { jobId, uploadId } = await canceledJob();
  const blobKey = `uploads/${uploadId}`;
  expect(await remove(jobId)).toEqual({ outcome: "deleted", blobKeys: [blobKey] });
  expect(await rooms.owner`select blob_key from blob_deletions`).toEqual([{ blob_key: blobKey }]);
});

test("another account's job, and one that never was, are not found", async () => {
  const { jobId } = await canceledJob();
  expect(await deleteJob(rooms.api, "acc_other", jobId)).toEqual({ outcome: "not_found" });
  expect(await remove(newId("job"))).toEqual({ outcome: "not_found" });
  expect(await retry(jobId, again, "acc_other")).toEqual({ outcome: "not_found" });
});

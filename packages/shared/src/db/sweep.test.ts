import { newId } from "../crypto/ids.ts";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { claimJob } from "./jobs/claim-job.ts";
import { returnToQueue } from "./jobs/end-attempt.ts";
import { finishJob } from "./jobs/finish-job.ts";
import type { Lease } from "./jobs/job.ts";
import { numberEvents } from "./number-events.ts";
import {
  cancelLostJobs,
  dropExpiredResults,
  dropUnneededUploads,
  dueBlobDeletions,
  expireQueuedJobs,
  failExhaustedJobs,
  forgetBlobs,
  forgetIdempotencyKeys,
  planBlobDeletion,
  withSweepLock,
} from "./sweep.ts";
import { scrubJobs } from "./scrub-jobs.ts";
import { completeUpload, insertUpload } from "./uploads.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const HOOK = "https://example.com/hook";

async function claim(jobId: string): Promise<Lease> {
  const claimed = await claimJob(rooms.worker, jobId, { workerId: "w1", leaseSeconds: 60 });
  if (claimed.outcome !== "claimed") throw new Error(`not claimed: ${claimed.outcome}`);
  return claimed.lease;
}

const loseLeases = () =>
  rooms.owner`update jobs set lease_until = now() - interval '1 s' where lease_token is not null`;

const statuses = async () => {
  const rows = await rooms.owner<{ id: string; status: string }[]>`select id, status from jobs order by id`;
  return rows.map(({ status }) => status);
};

/** Types of the events that have a delivery. */
const announced = async () => {
  const rows = await rooms.owner<{ type: string }[]>`
    select e.type from events e join deliveries d on d.event_id = e.id order by e.id`;
  return rows.map(({ type }) => type);
};

async function finish(lease: Lease, blobKey: string | null = null): Promise<void> {
  const common = {
    model: null,
    version: "1",
    device: "cpu",
    errorCode: null,
    keyId: null,
    bodyBytes: 2,
    bodySha256: "00",
  };
  const body = blobKey === null ? "{}" : null;
  await finishJob(rooms.worker, lease, {
    status: "succeeded",
    results: [{ ...common, task: "audio.features", status: "succeeded", summary: {}, body, blobKey }],
    embeddings: [{ space: "s@1", vec: [1] }],
    input: { duration_seconds: 1, codec: "pcm", channels: 1, sample_rate: 8_000, sha256: "00", tags: {} },
    warnings: [],
    computeSeconds: 0,
    device: "cpu",
    error: null,
  });
}

test("a job that nobody started by its deadline expires, with its event", async () => {
  const late = await rooms.submit({ webhookUrl: HOOK });
  await rooms.submit();
  await rooms.owner`update jobs set queue_deadline_at = now() - interval '1 s' where id = ${late.id}`;
  expect(await expireQueuedJobs(rooms.deliver)).toBe(1);
  expect(await statuses()).toEqual(["expired", "queued"]);
  expect(await announced()).toEqual(["job.expired"]);
  const [row] =
    await rooms.owner`select error_code, error_message, expires_at > now() as kept from jobs where id = ${late.id}`;
  expect(row).toEqual({
    error_code: "queue_deadline_exceeded",
    error_message: "No worker started the job before its deadline.",
    kept: true,
  });
  expect(await expireQueuedJobs(rooms.deliver)).toBe(0);
});

test("a job being canceled is canceled once its worker's lease has run out, not before", async () => {
  const { id } = await rooms.submit({ webhookUrl: HOOK });
  await claim(id);
  await rooms.owner`update jobs set status = 'canceling'`;
  expect(await cancelLostJobs(rooms.deliver)).toBe(0);
  await loseLeases();
  expect(await cancelLostJobs(rooms.deliver)).toBe(1);
  expect(await statuses()).toEqual(["canceled"]);
  expect(await announced()).toEqual(["job.canceled"]);
  expect(await rooms.owner`select outcome from job_attempts`).toEqual([{ outcome: "lease_expired" }]);
});

test("a job whose third charged attempt is lost fails with worker_lost; one with attempts left is left to the workers", async () => {
  const spent = await rooms.submit({ webhookUrl: HOOK });
  for (let attempt = 1; attempt <= 3; attempt++) {
    await claim(spent.id);
    expect(await failExhaustedJobs(rooms.deliver)).toBe(0);
    await loseLeases();
  }
  await claim((await rooms.submit()).id);
  await loseLeases();
  expect(await failExhaustedJobs(rooms.deliver)).toBe(1);
  expect(await statuses()).toEqual(["failed", "running"]);
  expect(await announced()).toEqual(["job.failed"]);
  const [row] = await rooms.owner`select error_code from jobs where id = ${spent.id}`;
  expect(row).toEqual({ error_code: "worker_lost" });
});

test("a job that was handed back nineteen times fails when its twentieth lease is lost", async () => {
  const { id } = await rooms.submit();
  for (let attempt = 1; attempt <= 20; attempt++) {
    await returnToQueue(rooms.worker, await claim(id), { outcome: "handed_back", delaySeconds: 0 });
  }
  expect(await failExhaustedJobs(rooms.deliver)).toBe(0);
  await loseLeases();
  expect(await failExhaustedJobs(rooms.deliver)).toBe(1);
  expect(await statuses()).toEqual(["failed"]);
});

test("what is past its retention loses results, vectors and what was asked, and keeps a tombstone", async () => {
  const { id } = await rooms.submit({ metadata: { take: "7" }, options: { a: 1 } });
  const kept = await rooms.submit();
  await finish(await claim(id), "results/old");
  await finish(await claim(kept.id));
  await rooms.owner`update jobs set expires_at = now() - interval '1 s' where id = ${id}`;
  expect(await dropExpiredResults(rooms.deliver)).toBe(1);
  const [row] = await rooms.owner`
    select status, deleted_at is not null as deleted, input_url, input_info, metadata, options from jobs where id = ${id}`;
  expect(row).toEqual({
    status: "succeeded",
    deleted: true,
    input_url: null,
    input_info: null,
    metadata: {},
    options: {},
  });
  expect(await rooms.owner`select job_id from task_results`).toEqual([{ job_id: kept.id }]);
  expect(await rooms.owner`select job_id from embeddings`).toEqual([{ job_id: kept.id }]);
  expect(await dueBlobDeletions(rooms.deliver)).toEqual(["results/old"]);
  expect(await dropExpiredResults(rooms.deliver)).toBe(0);
});

test("a deleted job keeps its webhook secret as long as a delivery waits for it", async () => {
  const waiting = await rooms.submit({ webhookUrl: HOOK, webhookSecretSealed: "sealed" });
  const silent = await rooms.submit({ webhookSecretSealed: "sealed" });
  await finish(await claim(waiting.id));
  await finish(await claim(silent.id));
  await rooms.api.transaction((tx) => scrubJobs(tx, [waiting.id, silent.id]));
  const secrets = await rooms.owner`select webhook_secret_sealed as secret from jobs order by id`;
  expect(secrets).toEqual([{ secret: "sealed" }, { secret: null }]);
});

test("an upload goes a day after the last job that used it, and an unused one after a day", async () => {
  const upload = async () => {
    const id = newId("upload");
    const facts = {
      filename: "a.wav",
      contentType: "audio/wav",
      sizeBytes: 10,
      sha256: null,
      openSeconds: 60,
    };
    await insertUpload(rooms.api, { id, accountId: rooms.accountId, ...facts });
    await completeUpload(rooms.api, rooms.accountId, id);
    return id;
  };
  const [unused, queued, fresh, done] = [await upload(), await upload(), await upload(), await upload()];
  await rooms.submit({ inputUrl: null, uploadId: queued });
  for (const uploadId of [fresh, done]) {
    await finish(await claim((await rooms.submit({ inputUrl: null, uploadId })).id));
  }
  expect(await dropUnneededUploads(rooms.deliver)).toBe(0);
  await rooms.owner`update uploads set created_at = now() - interval '25 h'`;
  await rooms.owner`update jobs set finished_at = now() - interval '25 h' where upload_id = ${done}`;
  expect(await dropUnneededUploads(rooms.deliver)).toBe(2);
  const gone = await rooms.owner<
    { id: string }[]
  >`select id from uploads where deleted_at is not null order by id`;
  expect(gone.map(({ id }) => id)).toEqual([unused, done].toSorted());
  expect((await dueBlobDeletions(rooms.deliver)).toSorted()).toEqual(
    [`uploads/${unused}`, `uploads/${done}`].toSorted(),
  );
});

test("an idempotency key is forgotten after two days, not before", async () => {
  await rooms.owner`insert into idempotency_keys (account_id, route, key, body_sha256, status, response, created_at)
    values (${rooms.accountId}, 'r', 'old', '', 202, '', now() - interval '49 h'),
           (${rooms.accountId}, 'r', 'new', '', 202, '', now() - interval '47 h')`;
  expect(await forgetIdempotencyKeys(rooms.deliver)).toBe(1);
  expect(await rooms.owner`select key from idempotency_keys`).toEqual([{ key: "new" }]);
});

test("a blob's deletion is due at its time and stays due until it is forgotten", async () => {
  await planBlobDeletion(rooms.worker, "results/now", 0);
  await planBlobDeletion(rooms.worker, "results/later", 3_600);
  expect(await dueBlobDeletions(rooms.deliver)).toEqual(["results/now"]);
  await forgetBlobs(rooms.deliver, ["results/now"]);
  expect(await dueBlobDeletions(rooms.deliver)).toEqual([]);
});

test("events are numbered without a gap, later ones after earlier ones", async () => {
  const end = async () => finish(await claim((await rooms.submit()).id));
  await end();
  await end();
  expect(await numberEvents(rooms.deliver)).toBe(2);
  await end();
  expect(await numberEvents(rooms.deliver)).toBe(1);
  expect(await numberEvents(rooms.deliver)).toBe(0);
  expect(await rooms.owner`select sequence::int from events order by id`).toEqual([
    { sequence: 1 },
    { sequence: 2 },
    { sequence: 3 },
  ]);
});

test("a step leaves a row alone that somebody else holds", async () => {
  await rooms.submit();
  await rooms.owner`update jobs set queue_deadline_at = now() - interval '1 s'`;
  await rooms.owner.begin(async (tx) => {
    await tx`select id from jobs for update`;
    expect(await expireQueuedJobs(rooms.deliver)).toBe(0);
  });
  expect(await expireQueuedJobs(rooms.deliver)).toBe(1);
});

test("one sweep runs at a time, and the next one when it is done", async () => {
  const ran: string[] = [];
  await withSweepLock(rooms.deliver, async () => {
    ran.push("first");
    expect(await withSweepLock(rooms.deliver, async () => void ran.push("second"))).toBe(false);
  });
  expect(await withSweepLock(rooms.deliver, async () => void ran.push("third"))).toBe(true);
  expect(ran).toEqual(["first", "third"]);
});

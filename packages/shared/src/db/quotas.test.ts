import { newId } from "@earshot/shared/crypto/ids";
import { newJob, openTestRooms, submitNewJob } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createAccount } from "./accounts.ts";
import { cancelJob } from "./jobs/cancel-job.ts";
import { claimFromTable, claimJob } from "./jobs/claim-job.ts";
import { returnToQueue } from "./jobs/end-attempt.ts";
import { finishJob } from "./jobs/finish-job.ts";
import type { Lease } from "./jobs/job.ts";
import { countQueuedJobs, quotaRefusal, readQuotas, readUsage } from "./quotas.ts";
import { expireQueuedJobs } from "./sweep.ts";
import { insertUpload } from "./uploads.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms({ connections: 12 });
});
beforeEach(async () => {
  await rooms.empty();
  await rooms.owner`update accounts set max_queued_jobs = 100000, max_upload_bytes_per_month = null, max_audio_seconds_per_month = null`;
});
afterAll(() => rooms[Symbol.asyncDispose]());

const NOW = new Date("2026-11-25T12:00:00Z");
const thisMonth = () => new Date().toISOString().slice(0, 7);
const WORKER = { workerId: "w", leaseSeconds: 60 };

/** What each submission of `count` at once came to: `created`, or the name of the quota. */
function submitMany(count: number): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, () =>
      submitNewJob(rooms.api, newJob(rooms.accountId)).then(
        () => "created",
        (error: unknown) => String(quotaRefusal(error, NOW)?.detail.quota ?? error),
      ),
    ),
  );
}

const created = (outcomes: string[]) => outcomes.filter((outcome) => outcome === "created").length;

function finish(lease: Lease): Promise<boolean> {
  return finishJob(rooms.worker, lease, {
    status: "failed",
    results: [],
    embeddings: [],
    input: {
      duration_seconds: 2.5,
      codec: "pcm_s16le",
      channels: 1,
      sample_rate: 16_000,
      sha256: "0",
      tags: {},
    },
    warnings: [],
    computeSeconds: 0.25,
    device: "cpu",
    error: { code: "decode_failed", message: "" },
  });
}

describe("the counter of queued jobs", () => {
  test("is what counting would give, after any walk of jobs through their states, in any order at once", async () => {
    const other = await createAccount(rooms.api, rooms.sealKeys, "other");
    const accounts = [rooms.accountId, other.id];
    const leases: Lease[] = [];
    let seed = 20_261_125;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    const submit = () =>
      submitNewJob(rooms.api, newJob(accounts[random(2)] ?? "", { queueDeadlineSeconds: random(2) * 3600 }));
    const steps: (() => Promise<unknown>)[] = [
      submit,
      submit,
      submit,
      async () => cancelJob(rooms.api, rooms.accountId, (await submit()).id),
      async () => {
        const claim = await claimJob(rooms.worker, (await submit()).id, WORKER);
        if (claim.outcome === "claimed") leases.push(claim.lease);
      },
      async () => {
        await rooms.owner`update jobs set claimable_at = now() where status = 'queued'`;
        leases.push(...(await claimFromTable(rooms.worker, 3, WORKER)).map(({ lease }) => lease));
      },
      async () => {
        const lease = leases.pop();
        if (lease)
          await returnToQueue(rooms.worker, lease, {
            outcome: "handed_back",
            charged: false,
            delaySeconds: 0,
          } as never);
      },
      async () => {
        const lease = leases.pop();
        if (lease) await finish(lease);
      },
      () => expireQueuedJobs(rooms.deliver),
    ];
    for (let round = 0; round < 25; round++) {
      await Promise.all(Array.from({ length: 10 }, () => steps[random(steps.length)]?.()));
    }
    for (const accountId of accounts) {
      const [counted] = await rooms.owner`
        select count(*)::int as queued from jobs where status = 'queued' and account_id = ${accountId}`;
      expect(await countQueuedJobs(rooms.api, accountId)).toBe(counted?.queued);
    }
  });

  test("forgets what is rolled back and what is deleted", async () => {
    const { id } = await rooms.submit();
    const failed = rooms.api.transaction(async (tx) => {
      await submitNewJob(tx, newJob(rooms.accountId));
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    expect(await countQueuedJobs(rooms.api, rooms.accountId)).toBe(1);
    await rooms.owner`delete from jobs where id = ${id}`;
    expect(await countQueuedJobs(rooms.api, rooms.accountId)).toBe(0);
  });

  test("is nobody's to write but the triggers'", async () => {
    for (const room of [rooms.api, rooms.worker, rooms.deliver]) {
      const written = room.execute("update account_counters set queued_jobs = 0");
      await expect(written).rejects.toMatchObject({ cause: { code: "42501" } });
    }
  });
});

describe("a quota", () => {
  test("of queued jobs holds exactly, however many come at once", async () => {
    await rooms.owner`update accounts set max_queued_jobs = 50`;
    const outcomes = await submitMany(200);
    expect(created(outcomes)).toBe(50);
    expect(new Set(outcomes)).toEqual(new Set(["created", "queued_jobs"]));
  });

  test("of queued jobs holds for those who see nothing of each other yet, because none has committed", async () => {
    await rooms.owner`update accounts set max_queued_jobs = 3`;
    const submitSlowly = () =>
      rooms.api.transaction(async (tx) => {
        await submitNewJob(tx, newJob(rooms.accountId));
        // As long as the others need to look, too.
        await tx.execute("select pg_sleep(0.05)");
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, submitSlowly));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  });

  test("of queued jobs has room again when a job has left the queue", async () => {
    await rooms.owner`update accounts set max_queued_jobs = 1`;
    const { id } = await rooms.submit();
    expect(created(await submitMany(1))).toBe(0);
    await claimJob(rooms.worker, id, WORKER);
    expect(created(await submitMany(2))).toBe(1);
  });

  test("of uploaded bytes holds for the month", async () => {
    await rooms.owner`update accounts set max_upload_bytes_per_month = 250`;
    const upload = () =>
      insertUpload(rooms.api, {
        id: newId("upload"),
        accountId: rooms.accountId,
        filename: "a.wav",
        contentType: "audio/wav",
        sizeBytes: 100,
        sha256: null,
        openSeconds: 60,
      });
    await upload();
    await upload();
    const refusal = quotaRefusal(await upload().catch((error: unknown) => error), NOW);
    expect(refusal).toMatchObject({ code: "quota_exceeded", detail: { quota: "upload_bytes_per_month" } });
    // Until December.
    expect(refusal?.detail.retryAfterSeconds).toBe(5.5 * 86_400);
    expect(await readUsage(rooms.api, rooms.accountId, thisMonth())).toMatchObject({
      uploads: 2,
      uploadBytes: 200,
    });
    await rooms.owner`update account_usage set month = month - interval '1 month'`;
    await upload();
  });

  test("of audio is used up by what was analysed, and no job more is taken then", async () => {
    await rooms.owner`update accounts set max_audio_seconds_per_month = 5`;
    for (const _ of [1, 2]) {
      const claim = await claimJob(rooms.worker, (await rooms.submit()).id, WORKER);
      if (claim.outcome !== "claimed") throw new Error("not claimed");
      expect(await finish(claim.lease)).toBe(true);
    }
    expect(await readUsage(rooms.api, rooms.accountId, thisMonth())).toEqual({
      jobs: 2,
      uploads: 0,
      uploadBytes: 0,
      audioSeconds: 5,
      computeSeconds: 0.5,
    });
    expect(await submitMany(1)).toEqual(["audio_seconds_per_month"]);
  });

  test("is 100,000 queued jobs where nobody said anything, and no end of the others", async () => {
    const { id } = await createAccount(rooms.api, rooms.sealKeys, "new");
    expect(await readQuotas(rooms.api, id)).toEqual({
      queuedJobs: 100_000,
      uploadBytesPerMonth: null,
      audioSecondsPerMonth: null,
    });
  });
});

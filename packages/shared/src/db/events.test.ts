import { newId } from "../crypto/ids.ts";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { recordEvent } from "./events.ts";
import { beat } from "./jobs/beat.ts";
import { cancelJob } from "./jobs/cancel-job.ts";
import { claimJob } from "./jobs/claim-job.ts";
import { cancelRunningJob, finishJob } from "./jobs/finish-job.ts";
import type { Lease } from "./jobs/job.ts";
import { webhookEndpoints } from "./schema.ts";
import { scrubJobs } from "./scrub-jobs.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const HOOK = "https://example.com/hook";
const OPTIONS = { workerId: "w", leaseSeconds: 60 };

async function addEndpoint(fields: Partial<typeof webhookEndpoints.$inferInsert> = {}): Promise<string> {
  const id = newId("endpoint");
  const endpoint = {
    id,
    accountId: rooms.accountId,
    url: `${HOOK}/${id}`,
    secretSealed: "sealed",
    ...fields,
  };
  await rooms.api.insert(webhookEndpoints).values(endpoint);
  return id;
}

async function claim(jobId: string): Promise<Lease> {
  const claimed = await claimJob(rooms.worker, jobId, OPTIONS);
  if (claimed.outcome !== "claimed") throw new Error(claimed.outcome);
  return claimed.lease;
}

const finish = (lease: Lease, summary: Record<string, unknown> = {}) =>
  finishJob(rooms.worker, lease, {
    status: "succeeded",
    results: [
      {
        task: "audio.features",
        status: "succeeded",
        errorCode: null,
        model: null,
        version: "1",
        device: "cpu",
        summary,
        body: "{}",
        blobKey: null,
        bodyBytes: 2,
        bodySha256: "0",
        keyId: null,
      },
    ],
    embeddings: [],
    input: null,
    warnings: [],
    computeSeconds: 1,
    device: "cpu",
    error: null,
  });

/** Which endpoint (null: the job's own webhook) gets an event of which type. */
async function sent(): Promise<[string, string | null][]> {
  const rows = await rooms.owner`
    select e.type, d.endpoint_id from deliveries d join events e on e.id = d.event_id
    order by e.created_at, e.job_sequence, d.endpoint_id nulls first`;
  return rows.map((row) => [row["type"], row["endpoint_id"]]);
}

const eventTypes = async () =>
  (await rooms.owner`select type from events order by created_at, job_sequence`).map((row) => row["type"]);

test("one event goes to the job's own webhook and to each endpoint that wants it, and to no other", async () => {
  const all = await addEndpoint();
  const some = await addEndpoint({ events: ["job.succeeded", "job.failed"] });
  await addEndpoint({ events: ["job.failed"] });
  await addEndpoint({ enabled: false });
  await addEndpoint({ enabled: false, deletedAt: new Date(), secretSealed: null });
  const stranger = "acc_stranger";
  await rooms.owner`insert into accounts (id, name, webhook_secret_sealed) values (${stranger}, 'x', 'x')`;
  await addEndpoint({ accountId: stranger });
  const { id } = await rooms.submit({ webhookUrl: HOOK });
  await finish(await claim(id));
  expect(await sent()).toEqual([
    ["job.succeeded", null],
    ["job.succeeded", all],
    ["job.succeeded", some],
  ]);
  expect(await eventTypes()).toEqual(["job.succeeded"]);
});

test("start and progress are written for those who asked for them, and not at all where nobody did", async () => {
  const progress = { stage: "analyse", fraction: 0.5 };
  const quiet = await rooms.submit({ webhookUrl: HOOK });
  await beat(rooms.worker, await claim(quiet.id), { leaseSeconds: 60, progress });
  expect(await eventTypes()).toEqual([]);

  const asking = await rooms.submit({ webhookUrl: HOOK, webhookEvents: ["job.progress"] });
  await beat(rooms.worker, await claim(asking.id), { leaseSeconds: 60, progress });
  expect(await sent()).toEqual([["job.progress", null]]);

  const endpoint = await addEndpoint({ events: ["job.started", "job.progress"] });
  const third = await rooms.submit();
  await beat(rooms.worker, await claim(third.id), { leaseSeconds: 60, progress });
  expect((await sent()).slice(1)).toEqual([
    ["job.started", endpoint],
    ["job.progress", endpoint],
  ]);
  const [event] = await rooms.owner`select payload from events where type = 'job.progress' limit 1`;
  expect(JSON.parse(event?.["payload"]).data).toMatchObject({ status: "running", progress });
});

test("the events of a job are counted in their order, in their bytes too", async () => {
  await addEndpoint({ events: ["job.started", "job.progress", "job.canceled"] });
  const { id } = await rooms.submit();
  const lease = await claim(id);
  await beat(rooms.worker, lease, { leaseSeconds: 60, progress: { stage: "a", fraction: 0 } });
  await cancelJob(rooms.api, rooms.accountId, id);
  await cancelRunningJob(rooms.worker, lease);
  const rows = await rooms.owner`select type, job_sequence, payload from events order by job_sequence`;
  expect(
    rows.map((row) => [row["type"], row["job_sequence"], JSON.parse(row["payload"]).data.sequence]),
  ).toEqual([
    ["job.started", 1, 1],
    ["job.progress", 2, 2],
    ["job.canceled", 3, 3],
  ]);
});

test("summaries are kept for endpoints that want full payloads, until the job is deleted", async () => {
  await addEndpoint();
  const first = await rooms.submit();
  await finish(await claim(first.id), { loudness_lufs: -23 });
  expect(await rooms.owner`select payload_full from events`).toEqual([{ payload_full: null }]);

  await addEndpoint({ payload: "full" });
  const { id } = await rooms.submit();
  await finish(await claim(id), { loudness_lufs: -23 });
  const read = async () =>
    (await rooms.owner`select payload, payload_full from events where job_id = ${id}`)[0];
  const before = await read();
  expect(JSON.parse(before?.["payload_full"]).data.results).toMatchObject([{ loudness_lufs: -23 }]);
  expect(before?.["payload"]).not.toContain("loudness");
  expect(await rooms.owner`select payload from deliveries where job_id = ${id} order by payload`).toEqual([
    { payload: "full" },
    { payload: "thin" },
  ]);
  await rooms.api.transaction((tx) => scrubJobs(tx, [id]));
  expect(await read()).toEqual({ payload: before?.["payload"], payload_full: null });
});

test("an event of the account goes to the endpoints that want it, or to the one that it is for", async () => {
  const a = await addEndpoint();
  const b = await addEndpoint({ events: ["job.failed"] });
  const { accountId } = rooms;
  await rooms.deliver.transaction((tx) =>
    recordEvent(tx, { accountId, type: "security.alert", data: { reason: "x" } }),
  );
  await rooms.api.transaction((tx) =>
    recordEvent(tx, { accountId, type: "webhook.test", data: {}, onlyTo: { id: b, url: HOOK } }),
  );
  expect(await sent()).toEqual([
    ["security.alert", a],
    ["webhook.test", b],
  ]);
});

test("a delivery's lane is its endpoint, else one of the account's 64, by the origin of the URL", async () => {
  const endpoint = await addEndpoint({ events: ["job.canceled"] });
  const lanesOf = async (webhookUrl: string) => {
    const { id } = await rooms.submit({ webhookUrl });
    await cancelJob(rooms.api, rooms.accountId, id);
    const rows =
      await rooms.owner`select lane from deliveries where job_id = ${id} order by endpoint_id nulls first`;
    return rows.map((row) => String(row["lane"]));
  };
  const [own, other] = await lanesOf("https://Example.com:8443/a?b#c");
  expect(other).toBe(endpoint);
  expect((await lanesOf("https://example.com:8443/d"))[0]).toBe(own);
  const many = Array.from({ length: 100 }, (_, n) => `https://hook-${n}.example.com/`);
  const lanes = new Set<string>();
  for (const url of many) lanes.add((await lanesOf(url))[0] ?? "");
  expect(lanes.size).toBeGreaterThan(30);
  for (const lane of lanes)
    expect(lane).toMatch(new RegExp(`^${rooms.accountId} ([0-9]|[1-5][0-9]|6[0-3])$`));
});

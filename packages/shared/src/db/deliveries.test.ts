import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { seal } from "../crypto/seal.ts";
import type { AttemptRecord, ClaimedDelivery } from "./deliveries.ts";
import {
  claimDeliveries,
  nextDeliveryInMs,
  recordDeliveryAttempt,
  releaseDelivery,
  signingSecrets,
} from "./deliveries.ts";
import { cancelJob } from "./jobs/cancel-job.ts";
import { scrubJobs } from "./sweep.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const HOOK = "https://example.com/hook";
const LEASE = { limit: 10, leaseSeconds: 60 };
const RECORD: AttemptRecord = {
  startedAt: new Date("2026-01-01T00:00:00.123Z"),
  latencyMs: 12,
  statusCode: 500,
  error: null,
  responseHead: "no",
};

/** A job that was canceled at once, which is the shortest way to a delivery. */
async function announce(overrides: Parameters<TestRooms["submit"]>[0] = {}): Promise<string> {
  const { id } = await rooms.submit({ webhookUrl: HOOK, ...overrides });
  await cancelJob(rooms.api, rooms.accountId, id);
  return id;
}

async function claimOne(): Promise<ClaimedDelivery> {
  const [delivery] = await claimDeliveries(rooms.deliver, LEASE);
  if (!delivery) throw new Error("nothing is due");
  return delivery;
}

const makeDue = () => rooms.owner`update deliveries set next_attempt_at = now() - interval '1 s'`;

test("a claimed delivery carries the stored bytes and the job's trace, and is leased", async () => {
  const jobId = await announce({ traceparent: "00-aa-bb-01" });
  const [event] = await rooms.owner`select id, payload from events`;
  expect(await claimOne()).toMatchObject({
    attempt: 0,
    accountId: rooms.accountId,
    jobId,
    url: HOOK,
    eventId: event?.["id"],
    payload: event?.["payload"],
    traceparent: "00-aa-bb-01",
  });
  expect(await claimDeliveries(rooms.deliver, LEASE)).toEqual([]);
});

test("deliverers at once get each delivery once, oldest first", async () => {
  for (let i = 0; i < 12; i++) await announce();
  const claims = await Promise.all(
    Array.from({ length: 4 }, () => claimDeliveries(rooms.deliver, { limit: 3, leaseSeconds: 60 })),
  );
  const ids = claims.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const rest = await claimDeliveries(rooms.deliver, { limit: 12, leaseSeconds: 60 });
  expect(ids.length + rest.length).toBe(12);
});

test("a delivery that another deliverer is just claiming is passed over, not waited for", async () => {
  await announce();
  await announce();
  await rooms.owner.begin(async (tx) => {
    const [held] = await tx`select id from deliveries order by id limit 1 for update`;
    const claimed = await claimDeliveries(rooms.deliver, LEASE);
    expect(claimed).toHaveLength(1);
    expect(claimed[0]?.id).not.toBe(held?.["id"]);
  });
});

test("a delivery whose deliverer is lost is claimed again as the same attempt, and the lost one can't record", async () => {
  await announce();
  const lost = await claimOne();
  await makeDue();
  const again = await claimOne();
  expect(again).toMatchObject({ id: lost.id, eventId: lost.eventId, attempt: 0 });
  expect(await recordDeliveryAttempt(rooms.deliver, lost, RECORD, { status: "succeeded" })).toBe(false);
  expect(await rooms.owner`select * from delivery_attempts`).toEqual([]);
  expect(await recordDeliveryAttempt(rooms.deliver, again, RECORD, { status: "succeeded" })).toBe(true);
});

test("a retry waits for its time, and each attempt is a row", async () => {
  await announce();
  await recordDeliveryAttempt(rooms.deliver, await claimOne(), RECORD, {
    status: "retry",
    delaySeconds: 300,
  });
  const inMs = (await nextDeliveryInMs(rooms.deliver)) ?? 0;
  expect(inMs).toBeGreaterThan(290_000);
  expect(inMs).toBeLessThanOrEqual(300_000);
  await makeDue();
  const second = await claimOne();
  expect(second.attempt).toBe(1);
  await recordDeliveryAttempt(rooms.deliver, second, RECORD, { status: "failed" });
  expect(await nextDeliveryInMs(rooms.deliver)).toBeNull();
  expect(
    await rooms.owner`select status, attempt, lease_token, finished_at is not null as ended from deliveries`,
  ).toEqual([{ status: "failed", attempt: 2, lease_token: null, ended: true }]);
  expect(
    await rooms.owner`select attempt, started_at, latency_ms, status_code, response_head from delivery_attempts`,
  ).toEqual(
    [1, 2].map((attempt) => ({
      attempt,
      started_at: "2026-01-01 00:00:00.123+00",
      latency_ms: 12,
      status_code: 500,
      response_head: "no",
    })),
  );
});

test("a released delivery is due at once and no attempt was made", async () => {
  await announce();
  await releaseDelivery(rooms.deliver, await claimOne());
  expect((await claimOne()).attempt).toBe(0);
  expect(await rooms.owner`select * from delivery_attempts`).toEqual([]);
});

test("a job's own secret signs, else the account's", async () => {
  await announce();
  expect(await signingSecrets(rooms.deliver, rooms.sealKeys, await claimOne())).toEqual([
    rooms.webhookSecret,
  ]);
  const { id } = await rooms.submit({ webhookUrl: HOOK });
  const sealed = await seal(rooms.sealKeys, "whsec_own", id);
  await rooms.owner`update jobs set webhook_secret_sealed = ${sealed} where id = ${id}`;
  await cancelJob(rooms.api, rooms.accountId, id);
  expect(await signingSecrets(rooms.deliver, rooms.sealKeys, await claimOne())).toEqual(["whsec_own"]);
});

test("a deleted job's secret is dropped when its last delivery ends", async () => {
  const jobId = await announce({ webhookSecretSealed: "sealed" });
  await rooms.api.transaction((tx) => scrubJobs(tx, [jobId]));
  const secret = async () =>
    (await rooms.owner`select webhook_secret_sealed from jobs`)[0]?.["webhook_secret_sealed"];
  await recordDeliveryAttempt(rooms.deliver, await claimOne(), RECORD, { status: "retry", delaySeconds: 0 });
  expect(await secret()).toBe("sealed");
  await makeDue();
  await recordDeliveryAttempt(rooms.deliver, await claimOne(), RECORD, { status: "succeeded" });
  expect(await secret()).toBeNull();
});

test("a new delivery is announced when its transaction commits", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { unlisten } = await rooms.deliverSql.listen("earshot_deliveries", resolve);
  await announce();
  expect(await promise).toBe("");
  await unlisten();
});

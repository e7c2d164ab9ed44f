import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { seal } from "../crypto/seal.ts";
import { openDatabase } from "./database.ts";
import type { ClaimedDelivery, ClaimRequest } from "./deliveries.ts";
import { claimDeliveries } from "./deliveries.ts";
import { cancelJob } from "./jobs/cancel-job.ts";
import { scrubJobs } from "./scrub-jobs.ts";
import type { AttemptRecord, Verdict } from "./webhooks/record-attempt.ts";
import { recordAttempt, releaseDelivery } from "./webhooks/record-attempt.ts";
import { signingSecrets } from "./webhooks/signing-secrets.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const HOOK = "https://example.com/hook";
const LEASE = { limit: 10, strangers: 10, leaseSeconds: 60 };

/** Every test but those of lanes has one. */
async function lanes(): Promise<Map<string, number>> {
  const rows = await rooms.owner<{ lane: string }[]>`select distinct lane from deliveries`;
  return new Map(rows.map(({ lane }) => [lane, 12]));
}

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

const claim = async (request: Partial<ClaimRequest> = {}) =>
  (await claimDeliveries(rooms.deliver, { ...LEASE, lanes: await lanes(), ...request })).deliveries;

const nextInMs = async () =>
  (await claimDeliveries(rooms.deliver, { ...LEASE, lanes: await lanes(), limit: 0 })).nextInMs;

async function recorded(delivery: ClaimedDelivery, verdict: Verdict): Promise<boolean> {
  return (await recordAttempt(rooms.deliver, delivery, RECORD, verdict)).isCounted;
}

async function claimOne(): Promise<ClaimedDelivery> {
  const [delivery] = await claim();
  if (!delivery) throw new Error("nothing is due");
  return delivery;
}

test("a claim does not wait for the disk, and what is written next in its connection does", async () => {
  await announce();
  await rooms.deliver.transaction(async (connection) => {
    await connection.execute(sql`set local synchronous_commit = on`);
    const commits = async () => connection.execute(sql`show synchronous_commit`);
    await claimDeliveries(connection, { ...LEASE, lanes: await lanes() });
    expect([...(await commits())]).toEqual([{ synchronous_commit: "off" }]);
  });
  const other = openDatabase({ url: rooms.urls.deliver, name: "test claims", max: 1 });
  await other.db.execute(sql`set synchronous_commit = on`);
  await claimDeliveries(other.db, { ...LEASE, lanes: await lanes() });
  expect([...(await other.db.execute(sql`show synchronous_commit`))]).toEqual([{ synchronous_commit: "on" }]);
  await other.close();
});

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
  expect(await claim()).toEqual([]);
});

test("deliverers at once get each delivery once, oldest first", async () => {
  for (let i = 0; i < 12; i++) await announce();
  const claims = await Promise.all(Array.from({ length: 4 }, () => claim({ limit: 3 })));
  const ids = claims.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const rest = await claim({ limit: 12 });
  expect(ids.length + rest.length).toBe(12);
});

test("a delivery that another deliverer is just claiming is passed over, not waited for", async () => {
  await announce();
  await announce();
  await rooms.owner.begin(async (tx) => {
    const [held] = await tx`select id from deliveries order by id limit 1 for update`;
    const claimed = await claim();
    expect(claimed).toHaveLength(1);
    expect(claimed[0]?.id).not.toBe(held?.["id"]);
  });
});

test("a lane gives no more than it has room for, however much waits in it; a stranger gives one", async () => {
  const urls = ["a", "b", "c", "d"].map((name) => `https://${name}.example.com`);
  for (let made = 0; made < 16; made++) await announce({ webhookUrl: `${urls[made % 4]}/hook` });
  const rows = await rooms.owner<{ lane: string }[]>`select distinct lane, url from deliveries order by url`;
  const [a = "", b = "", c = "", d = ""] = rows.map(({ lane }) => lane);
  expect(new Set([a, b, c, d]).size).toBe(4);
  const rest = new Map([
    [a, 0],
    [b, 3],
  ]);
  const count = (claimed: ClaimedDelivery[]) =>
    Object.fromEntries([a, b, c, d].map((lane) => [lane, claimed.filter((one) => one.lane === lane).length]));
  expect(count(await claim({ limit: 100, lanes: rest }))).toEqual({ [a]: 0, [b]: 3, [c]: 1, [d]: 1 });
  expect(count(await claim({ limit: 100, lanes: rest, strangers: 1 }))).toMatchObject({
    [b]: 1,
    [c]: 1,
    [d]: 0,
  });
  expect(await claim({ limit: 100, lanes: new Map(), strangers: 0 })).toEqual([]);
});

test("the lane that has waited longest comes first", async () => {
  await announce({ webhookUrl: "https://z.example.com/" });
  await announce({ webhookUrl: "https://a.example.com/" });
  const [first] = await claim({ limit: 1 });
  expect(first?.url).toBe("https://z.example.com/");
});

test("a test's clock takes the place of the database's", async () => {
  await announce();
  const now = new Date(Date.now() + 3_600_000);
  expect(await claim({ now: new Date(Date.now() - 60_000) })).toEqual([]);
  const { deliveries } = await claimDeliveries(rooms.deliver, { ...LEASE, lanes: await lanes(), now });
  const [delivery] = deliveries;
  if (!delivery) throw new Error("nothing is due");
  await recordAttempt(rooms.deliver, delivery, RECORD, { status: "retry", delaySeconds: 300 }, now);
  const [row] = await rooms.owner`select next_attempt_at from deliveries`;
  expect(Date.parse(row?.["next_attempt_at"])).toBe(now.getTime() + 300_000);
});

test("a delivery whose deliverer is lost is claimed again as the same attempt, and the lost one can't record", async () => {
  await announce();
  const lost = await claimOne();
  await makeDue();
  const again = await claimOne();
  expect(again).toMatchObject({ id: lost.id, eventId: lost.eventId, attempt: 0 });
  expect(await recorded(lost, { status: "succeeded" })).toBe(false);
  expect(await rooms.owner`select * from delivery_attempts`).toEqual([]);
  expect(await recorded(again, { status: "succeeded" })).toBe(true);
});

test("a retry waits for its time, and each attempt is a row", async () => {
  await announce();
  await recorded(await claimOne(), { status: "retry", delaySeconds: 300 });
  const inMs = (await nextInMs()) ?? 0;
  expect(inMs).toBeGreaterThan(290_000);
  expect(inMs).toBeLessThanOrEqual(300_000);
  await makeDue();
  const second = await claimOne();
  expect(second.attempt).toBe(1);
  await recorded(second, { status: "failed" });
  expect(await nextInMs()).toBeNull();
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
  expect(await signingSecrets(rooms.sealKeys, await claimOne())).toEqual([rooms.webhookSecret]);
  const { id } = await rooms.submit({ webhookUrl: HOOK });
  const sealed = await seal(rooms.sealKeys, "whsec_own", id);
  await rooms.owner`update jobs set webhook_secret_sealed = ${sealed} where id = ${id}`;
  await cancelJob(rooms.api, rooms.accountId, id);
  expect(await signingSecrets(rooms.sealKeys, await claimOne())).toEqual(["whsec_own"]);
});

test("a deleted job's secret is dropped when its last delivery ends", async () => {
  const jobId = await announce({ webhookSecretSealed: "sealed" });
  await rooms.api.transaction((tx) => scrubJobs(tx, [jobId]));
  const secret = async () =>
    (await rooms.owner`select webhook_secret_sealed from jobs`)[0]?.["webhook_secret_sealed"];
  await recorded(await claimOne(), { status: "retry", delaySeconds: 0 });
  expect(await secret()).toBe("sealed");
  await makeDue();
  await recorded(await claimOne(), { status: "succeeded" });
  expect(await secret()).toBeNull();
});

test("a new delivery is announced when its transaction commits", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { unlisten } = await rooms.deliverSql.listen("earshot_deliveries", resolve);
  await announce();
  expect(await promise).toBe("");
  await unlisten();
});

import { newId } from "../../crypto/ids.ts";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ClaimedDelivery } from "../deliveries.ts";
import { claimDeliveries } from "../deliveries.ts";
import { cancelJob } from "../jobs/cancel-job.ts";
import type { DisabledReason } from "../schema.ts";
import { webhookEndpoints } from "../schema.ts";
import type { Recorded, Verdict } from "./record-attempt.ts";
import { closeDelivery, recordAttempt } from "./record-attempt.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(() => rooms.empty());
afterAll(() => rooms[Symbol.asyncDispose]());

const LEASE = { limit: 50, strangers: 0, leaseSeconds: 60 };

async function addEndpoint(): Promise<string> {
  const id = newId("endpoint");
  const { accountId } = rooms;
  await rooms.api
    .insert(webhookEndpoints)
    .values({ id, accountId, url: "https://example.com/", secretSealed: "sealed" });
  return id;
}

/** A job that was canceled at once, which is the shortest way to a delivery. */
async function happen(): Promise<void> {
  const { id } = await rooms.submit();
  await cancelJob(rooms.api, rooms.accountId, id);
}

async function claimOne(endpointId: string): Promise<ClaimedDelivery> {
  await rooms.owner`update deliveries set next_attempt_at = now() where lease_token is null`;
  const lanes = new Map([[endpointId, 1]]);
  const [one] = (await claimDeliveries(rooms.deliver, { ...LEASE, lanes })).deliveries;
  if (!one) throw new Error("nothing is due");
  return one;
}

/** The hour of the test's day at which the attempt began. */
async function attempt(delivery: ClaimedDelivery, hour: number, verdict: Verdict): Promise<Recorded> {
  const startedAt = new Date(Date.UTC(2026, 0, 1, hour));
  const statusCode = verdict.status === "succeeded" ? 200 : 503;
  const record = { startedAt, latencyMs: 1, statusCode, error: null, responseHead: "" };
  return recordAttempt(rooms.deliver, delivery, record, verdict);
}

const RETRY: Verdict = { status: "retry", delaySeconds: 0 };
const failing = (disables: DisabledReason): Verdict => ({ status: "failed", disables });

const endpointOf = async (id: string) =>
  (
    await rooms.owner`select enabled, disabled_reason, disabled_at is not null as has_time from webhook_endpoints where id = ${id}`
  )[0];

test("an endpoint that answered 410 is disabled, whatever arrived before; it is told to the others, and in the audit log", async () => {
  const [gone, other] = [await addEndpoint(), await addEndpoint()];
  await happen();
  await attempt(await claimOne(gone), 1, { status: "succeeded" });
  await happen();
  expect(await attempt(await claimOne(gone), 2, failing("gone"))).toEqual({
    isCounted: true,
    disabled: "gone",
  });
  expect(await endpointOf(gone)).toEqual({ enabled: false, disabled_reason: "gone", has_time: true });
  const told = await rooms.owner`
    select d.endpoint_id, e.payload from events e join deliveries d on d.event_id = e.id where e.type = 'endpoint.disabled'`;
  expect(told.map((row) => row["endpoint_id"])).toEqual([other]);
  expect(JSON.parse(told[0]?.["payload"])).toMatchObject({
    type: "endpoint.disabled",
    data: { endpoint_id: gone, reason: "gone", status_code: 503 },
  });
  expect(
    await rooms.owner`select actor_kind, action, target, detail->>'reason' as reason from audit_log`,
  ).toEqual([{ actor_kind: "system", action: "webhook_endpoint.disable", target: gone, reason: "gone" }]);
});

test("a used-up schedule disables an endpoint where nothing arrived since its first attempt", async () => {
  const id = await addEndpoint();
  await happen();
  await attempt(await claimOne(id), 0, { status: "succeeded" });
  await happen();
  await attempt(await claimOne(id), 1, RETRY);
  expect(await attempt(await claimOne(id), 20, failing("exhausted"))).toMatchObject({
    disabled: "exhausted",
  });
  expect(await endpointOf(id)).toMatchObject({ enabled: false, disabled_reason: "exhausted" });
});

test("a used-up schedule does not disable an endpoint where something arrived meanwhile", async () => {
  const id = await addEndpoint();
  await happen();
  const first = await claimOne(id);
  await attempt(first, 1, RETRY);
  await rooms.owner`update deliveries set status = 'failed' where id = ${first.id}`;
  await happen();
  await attempt(await claimOne(id), 2, { status: "succeeded" });
  await rooms.owner`update deliveries set status = 'pending' where id = ${first.id}`;
  expect(await attempt(await claimOne(id), 20, failing("exhausted"))).toEqual({
    isCounted: true,
    disabled: null,
  });
  expect(await endpointOf(id)).toMatchObject({ enabled: true });
  expect(await rooms.owner`select 1 from audit_log`).toEqual([]);
});

test("what waits for a disabled endpoint ends unsent, and what is under way ends by itself", async () => {
  const id = await addEndpoint();
  for (let made = 0; made < 4; made++) await happen();
  const [one, other] = (await claimDeliveries(rooms.deliver, { ...LEASE, lanes: new Map([[id, 2]]) }))
    .deliveries;
  if (!one || !other) throw new Error("two are due");
  await attempt(one, 1, failing("gone"));
  const states =
    await rooms.owner`select status, count(*)::int from deliveries group by status order by status`;
  expect(states).toEqual([
    { status: "failed", count: 3 },
    { status: "pending", count: 1 },
  ]);
  expect((await attempt(other, 1, RETRY)).isCounted).toBe(true);
  const again = await claimOne(id);
  expect(again).toMatchObject({ id: other.id, isWanted: false });
  await closeDelivery(rooms.deliver, again);
  expect(await rooms.owner`select 1 from deliveries where status = 'pending'`).toEqual([]);
});

test("who lost the lease disables nothing", async () => {
  const id = await addEndpoint();
  await happen();
  const lost = await claimOne(id);
  await rooms.owner`update deliveries set lease_token = 'another'`;
  expect(await attempt(lost, 1, failing("gone"))).toEqual({ isCounted: false, disabled: null });
  expect(await endpointOf(id)).toMatchObject({ enabled: true });
});

test("an endpoint that its owner disabled keeps its own reason", async () => {
  const id = await addEndpoint();
  await happen();
  const delivery = await claimOne(id);
  await rooms.owner`update webhook_endpoints set enabled = false`;
  expect((await attempt(delivery, 1, failing("gone"))).disabled).toBeNull();
  expect(await endpointOf(id)).toEqual({ enabled: false, disabled_reason: null, has_time: false });
});

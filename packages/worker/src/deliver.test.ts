import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { seal } from "@earshot/shared/crypto/seal";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { rotateWebhookSecret } from "@earshot/shared/db/accounts";
import { openDatabase } from "@earshot/shared/db/database";
import { claimDeliveries } from "@earshot/shared/db/deliveries";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { redeliverEvent } from "@earshot/shared/db/webhooks/redeliver";
import { findEvent } from "@earshot/shared/db/webhooks/list-events";
import { DELIVERY_SCHEDULE_SECONDS } from "@earshot/shared/domain/backoff";
import { silentLog } from "@earshot/shared/log";
import { startReceiver } from "@earshot/testkit/receiver";
import type { ReceivedRequest, Receiver } from "@earshot/testkit/receiver";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { createDeliverer } from "./deliver.ts";
import type { DelivererOptions } from "./deliver.ts";
import { addEndpoint } from "./testing/endpoints.ts";

let rooms: TestRooms;
let receiver: Receiver;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  rooms = await openTestRooms();
});
beforeEach(async () => {
  await rooms.empty();
  receiver = await startReceiver();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((deliverer) => deliverer.stop()));
  await receiver.stop();
});
afterAll(() => rooms[Symbol.asyncDispose]());

/** It hears of new deliveries as the product does. */
async function startDeliverer(overrides: Partial<DelivererOptions> = {}): Promise<{ stop(): Promise<void> }> {
  const draining = new AbortController();
  const listens = Promise.withResolvers<() => Promise<unknown>>();
  const deliverer = createDeliverer({
    db: rooms.deliver,
    listen: async (wake) => {
      const { unlisten } = await rooms.deliverSql.listen("earshot_deliveries", wake, wake);
      listens.resolve(unlisten);
    },
    sealKeys: rooms.sealKeys,
    policy: { allowLoopback: true },
    log: silentLog,
    random: () => 0.5,
    graceMs: 0,
    ...overrides,
  });
  const run = deliverer.run(draining.signal);
  if (overrides.listen) listens.resolve(async () => {});
  const unlisten = await listens.promise;
  const stop = async () => {
    draining.abort();
    await run;
    await unlisten();
  };
  running.push({ stop });
  return { stop };
}

/** A job that was canceled at once, which is the shortest way to an event with a delivery. */
async function announce(
  options: { secret?: string; url?: string; traceparent?: string } = {},
): Promise<string> {
  const { secret, url = receiver.url, traceparent = null } = options;
  const { id } = await rooms.submit({ webhookUrl: url, traceparent });
  if (secret !== undefined) {
    await rooms.owner`update jobs set webhook_secret_sealed = ${await seal(rooms.sealKeys, secret, id)} where id = ${id}`;
  }
  await cancelJob(rooms.api, rooms.accountId, id);
  return id;
}

interface DeliveryRow {
  id: string;
  status: string;
  attempt: number;
  leased: boolean;
  in_seconds: number;
}

async function readDelivery(): Promise<DeliveryRow> {
  const [row] = await rooms.owner<DeliveryRow[]>`
    select id, status, attempt, lease_token is not null as leased,
      extract(epoch from next_attempt_at - now())::float8 as in_seconds
    from deliveries order by id limit 1`;
  if (!row) throw new Error("there is no delivery");
  return row;
}

/** The delivery once `attempt` attempts are recorded. */
async function afterAttempt(attempt: number): Promise<DeliveryRow> {
  const recorded = async () => {
    const row = await readDelivery();
    return row.attempt === attempt && !row.leased && row;
  };
  return until(recorded, { describe: `${attempt} recorded attempts` });
}

const listAttempts = () =>
  rooms.owner`select attempt, status_code, error, response_head from delivery_attempts order by attempt`;

/** As if the time had passed. The notification is only there so that the test need not wait for the deliverer's timer. */
async function makeDue(): Promise<void> {
  await rooms.owner`update deliveries set next_attempt_at = now()`;
  await rooms.owner`select pg_notify('earshot_deliveries', '')`;
}

function verify(request: ReceivedRequest, secret: string): void {
  new Webhook(secret).verify(request.body, request.headers as Record<string, string>);
}

test("an event reaches its receiver, signed by the account's secret, and is recorded", async () => {
  await startDeliverer();
  const jobId = await announce({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" });
  const request = await receiver.next();
  verify(request, rooms.webhookSecret);
  expect(JSON.parse(request.body)).toMatchObject({ type: "job.canceled", data: { id: jobId } });
  expect(request.headers["traceparent"]).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
  expect(await afterAttempt(1)).toMatchObject({ status: "succeeded" });
  expect(await listAttempts()).toEqual([{ attempt: 1, status_code: 200, error: null, response_head: "" }]);
});

test("a job's own secret signs in the place of the account's", async () => {
  const secret = newWebhookSecret();
  await startDeliverer();
  await announce({ secret });
  const request = await receiver.next();
  verify(request, secret);
  expect(() => verify(request, rooms.webhookSecret)).toThrow();
});

test("while the account's secret rotates old and new both sign; after the grace the old one is worth nothing, for old events too", async () => {
  const [old, next] = [rooms.webhookSecret, newWebhookSecret()];
  const rotate = (secret: string, graceSeconds: number) =>
    rotateWebhookSecret(rooms.ownerDb, rooms.sealKeys, { accountId: rooms.accountId, secret, graceSeconds });
  onTestFinished(async () => void (await rotate(old, 0)));
  await startDeliverer();
  await announce();
  const first = await receiver.next();
  verify(first, old);
  const event = await findEvent(rooms.api, rooms.accountId, String(first.headers["webhook-id"]));
  const isRecorded = async () =>
    (await rooms.owner`select from deliveries where status = 'pending'`).length === 0;
  const again = async () => {
    // Else the one that waits would be hurried.
    await until(isRecorded, { describe: "the delivery before" });
    await rooms.api.transaction(async (tx) => event && redeliverEvent(tx, event, null));
    return receiver.next();
  };

  await rotate(next, 3_600);
  const during = await again();
  expect(during.headers["webhook-id"]).toBe(event?.id);
  for (const secret of [old, next]) verify(during, secret);
  await rooms.owner`update accounts set previous_webhook_secret_until = now()`;
  const after = await again();
  verify(after, next);
  expect(() => verify(after, old)).toThrow();

  await rotate(old, 0);
  const atOnce = await again();
  verify(atOnce, old);
  expect(() => verify(atOnce, next)).toThrow();
});

test("what was due before the deliverer started is delivered", async () => {
  await announce();
  await startDeliverer();
  await receiver.next();
});

test("a failed delivery follows the schedule to its end under one id, freshly signed each time", async () => {
  receiver.script(...Array.from({ length: 10 }, () => ({ status: 503, body: "later" })));
  await startDeliverer();
  await announce();
  for (const [made, delaySeconds] of DELIVERY_SCHEDULE_SECONDS.slice(1).entries()) {
    const row = await afterAttempt(made + 1);
    expect(row.status).toBe("pending");
    expect(row.in_seconds).toBeGreaterThan(delaySeconds - 5);
    expect(row.in_seconds).toBeLessThanOrEqual(delaySeconds);
    await makeDue();
  }
  expect(await afterAttempt(10)).toMatchObject({ status: "failed" });
  expect(receiver.requests).toHaveLength(10);
  expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  for (const request of receiver.requests) verify(request, rooms.webhookSecret);
  const attempts = await listAttempts();
  expect(attempts.at(-1)).toEqual({ attempt: 10, status_code: 503, error: null, response_head: "later" });
});

test("a retry that is due soon comes without anybody ringing", async () => {
  receiver.script({ status: 500 });
  await startDeliverer();
  await announce();
  await afterAttempt(1);
  await rooms.owner`update deliveries set next_attempt_at = now() + interval '300 ms'`;
  // Another delivery makes the deliverer look, and see what is due next.
  await announce();
  await until(async () => (await readDelivery()).status === "succeeded", { describe: "the retry" });
  expect(receiver.requests).toHaveLength(3);
});

test("the timestamp is that of the attempt", async () => {
  receiver.script({ status: 500 });
  await startDeliverer();
  await announce();
  const first = await receiver.next();
  await afterAttempt(1);
  const timestampOf = ({ headers }: ReceivedRequest) => Number(headers["webhook-timestamp"]);
  await until(() => Math.floor(Date.now() / 1_000) > timestampOf(first), { describe: "the next second" });
  await makeDue();
  const second = await receiver.next();
  expect(timestampOf(second)).toBeGreaterThan(timestampOf(first));
  expect(second.headers["webhook-signature"]).not.toBe(first.headers["webhook-signature"]);
});

test("410 ends a delivery", async () => {
  receiver.script({ status: 410 });
  await startDeliverer();
  await announce();
  expect(await afterAttempt(1)).toMatchObject({ status: "failed" });
  expect(await listAttempts()).toMatchObject([{ status_code: 410 }]);
});

test("a Retry-After is kept in the database", async () => {
  receiver.script({ status: 429, headers: { "retry-after": "1000" } });
  await startDeliverer();
  await announce();
  const { in_seconds } = await afterAttempt(1);
  expect(in_seconds).toBeGreaterThan(990);
  expect(in_seconds).toBeLessThanOrEqual(1_000);
});

test("a hanging receiver holds up nobody else", async () => {
  await using other = await startReceiver();
  receiver.script("hang");
  await startDeliverer({ timeoutMs: 500 });
  await announce();
  await receiver.next();
  await addEndpoint(rooms, { url: other.url });
  await announce();
  await other.next();
  expect((await readDelivery()).attempt).toBe(0);
  expect(await afterAttempt(1)).toMatchObject({ status: "pending" });
  expect(await rooms.owner`select error from delivery_attempts where error is not null`).toEqual([
    { error: "timeout" },
  ]);
});

test("a target on a private network gets no connection; the refusal is recorded and tried again", async () => {
  await startDeliverer({ policy: { allowLoopback: false } });
  await announce({ url: "https://10.0.0.1/hook" });
  expect(await afterAttempt(1)).toMatchObject({ status: "pending" });
  expect(await listAttempts()).toEqual([
    { attempt: 1, status_code: null, error: "forbidden", response_head: null },
  ]);
});

test("no more attempts than allowed are under way at once, and all get their turn", async () => {
  await Promise.all(Array.from({ length: 12 }, () => announce()));
  await startDeliverer({ concurrency: 2 });
  await until(() => receiver.requests.length === 12, { describe: "all twelve" });
  receiver.script("hang", "hang");
  await Promise.all([announce(), announce(), announce()]);
  await until(() => receiver.requests.length === 14, { describe: "two that hang" });
  const leased = await rooms.owner`select id from deliveries where lease_token is not null`;
  expect(leased).toHaveLength(2);
});

test("two deliverers send each delivery once", async () => {
  await startDeliverer();
  await startDeliverer();
  await Promise.all(Array.from({ length: 20 }, () => announce()));
  const done = async () =>
    (await rooms.owner`select id from deliveries where status = 'succeeded'`).length === 20;
  await until(done, { describe: "all deliveries" });
  const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(ids).toHaveLength(20);
  expect(new Set(ids).size).toBe(20);
});

test("what a killed deliverer had leased is sent again under the same id when the lease is over", async () => {
  await announce();
  const { deliveries } = await claimDeliveries(rooms.deliver, {
    limit: 1,
    lanes: new Map(),
    strangers: 1,
    leaseSeconds: 60,
  });
  await startDeliverer();
  expect(receiver.requests).toEqual([]);
  await makeDue();
  expect((await receiver.next()).headers["webhook-id"]).toBe(deliveries[0]?.eventId);
  expect(await afterAttempt(1)).toMatchObject({ status: "succeeded" });
});

test("a drain finishes what is under way", async () => {
  const deliverer = await startDeliverer({ graceMs: 10_000, timeoutMs: 300 });
  receiver.script("hang");
  await announce();
  await receiver.next();
  await deliverer.stop();
  expect(await readDelivery()).toMatchObject({ attempt: 1, leased: false });
});

test("a drain puts back at once what is not done within the grace", async () => {
  const deliverer = await startDeliverer({ graceMs: 50 });
  receiver.script("hang");
  await announce();
  await receiver.next();
  await deliverer.stop();
  const row = await readDelivery();
  expect(row).toMatchObject({ status: "pending", attempt: 0, leased: false });
  expect(row.in_seconds).toBeLessThanOrEqual(0);
  expect(await listAttempts()).toEqual([]);
});

test("a delivery that can't be signed is sent to nobody and costs no attempt", async () => {
  await startDeliverer();
  const { id } = await rooms.submit({ webhookUrl: receiver.url, webhookSecretSealed: "v1.lost.key.x" });
  await cancelJob(rooms.api, rooms.accountId, id);
  await until(async () => (await readDelivery()).leased, { describe: "the claim" });
  await announce();
  await receiver.next();
  expect(receiver.requests).toHaveLength(1);
  expect(await readDelivery()).toMatchObject({ status: "pending", attempt: 0 });
});

/** A way to the database that can be cut. */
async function startProxy(to: URL) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) return void socket.destroy();
    const upstream = createConnection(Number(to.port), to.hostname);
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end
        .on("error", () => {})
        .on("close", () => (sockets.delete(end), socket.destroy(), upstream.destroy()));
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = new URL(to);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => void (isCut = false),
    close: () => server.close(),
  };
}

test("an outage of the database is survived: what was sent is recorded, what came is sent, and it listens again", async () => {
  const proxy = await startProxy(new URL(rooms.urls.deliver));
  const database = openDatabase({ url: proxy.url, name: "test outage", max: 2 });
  const listen = (wake: () => void) => database.sql.listen("earshot_deliveries", wake, wake);
  let failures = 0;
  const log = { ...silentLog, warn: () => void failures++ };
  const deliverer = await startDeliverer({ db: database.db, listen, timeoutMs: 100, log });
  receiver.script("hang");
  await announce();
  await receiver.next();
  proxy.cut();
  await announce();
  // The third comes long after the hanging attempt was given up and could not be recorded.
  await until(() => failures === 3, { timeoutMs: 40_000, describe: "three vain looks for more" });
  expect(receiver.requests).toHaveLength(1);
  proxy.mend();
  await receiver.next();
  await afterAttempt(1);
  expect(receiver.requests).toHaveLength(2);

  const listening = () => rooms.owner`
    select 1 from pg_stat_activity where application_name = 'test outage' and query like 'listen%' and datname = current_database()`;
  await until(async () => (await listening()).length > 0, { describe: "a new LISTEN" });
  await announce();
  await receiver.next();
  await deliverer.stop();
  await database.close();
  proxy.close();
});

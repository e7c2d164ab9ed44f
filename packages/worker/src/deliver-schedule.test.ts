import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Database } from "@earshot/shared/db/database";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { holdEndpoint, updateEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import { recoverEvents } from "@earshot/shared/db/webhooks/redeliver";
import { DELIVERY_SCHEDULE_SECONDS } from "@earshot/shared/domain/backoff";
import { silentLog } from "@earshot/shared/log";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeliverer } from "./deliver.ts";
import { addEndpoint } from "./testing/endpoints.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
afterAll(() => rooms[Symbol.asyncDispose]());

/** A receiver that can be away: then its port takes no connection. */
async function restartableReceiver() {
  const received: { id: string; body: string; headers: Record<string, string> }[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const headers = request.headers as Record<string, string>;
    received.push({ id: headers["webhook-id"] ?? "", body, headers });
    response.end();
  });
  const start = async (port = 0) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  const port = await start();
  await stop();
  return { received, port, url: `http://127.0.0.1:${port}/`, start: () => start(port), stop };
}

/** Counts the statements that have come back: a deliverer that has looked has asked something. */
function counting(db: Database): { db: Database; count(): number } {
  let statements = 0;
  const proxy = new Proxy(db, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== "execute") return typeof value === "function" ? value.bind(target) : value;
      return async (query: Parameters<Database["execute"]>[0]) => {
        const rows = await target.execute(query);
        statements += 1;
        return rows;
      };
    },
  });
  return { db: proxy, count: () => statements };
}

/** A job that is canceled at once: the shortest way to an event. */
async function happen(): Promise<void> {
  const { id } = await rooms.submit();
  await cancelJob(rooms.api, rooms.accountId, id);
}

/** At an endpoint, by event. */
async function attemptsInSeconds(endpointId: string, since: Date): Promise<number[][]> {
  const rows = await rooms.owner<{ event_id: string; seconds: number }[]>`
    select d.event_id, extract(epoch from a.started_at - ${since.toISOString()}::timestamptz)::float8 as seconds
    from delivery_attempts a join deliveries d on d.id = a.delivery_id
    where d.endpoint_id = ${endpointId} order by d.event_id, a.attempt`;
  return [...Map.groupBy(rows, (row) => row.event_id).values()].map((all) =>
    all.map(({ seconds }) => seconds),
  );
}

test("a receiver that is down for the whole schedule gets every attempt at its time, is disabled, and after a recovery each event once", async () => {
  const receiver = await restartableReceiver();
  const endpoint = await addEndpoint(rooms, { url: receiver.url, events: ["job.canceled"] });
  const watcher = await addEndpoint(rooms, { url: "https://example.com/", events: ["endpoint.disabled"] });
  for (let made = 0; made < 3; made++) await happen();

  // Behind all that the database's own clock has said so far.
  const start = new Date(Date.now() + 60_000);
  let elapsedSeconds = 0;
  let ring = () => {};
  const watched = counting(rooms.deliver);
  const draining = new AbortController();
  const deliverer = createDeliverer({
    db: watched.db,
    listen: async (wake) => void (ring = wake),
    sealKeys: rooms.sealKeys,
    policy: { allowLoopback: true },
    log: silentLog,
    random: () => 0.5,
    clock: () => new Date(start.getTime() + elapsedSeconds * 1_000),
    graceMs: 0,
  });
  const goTo = async (seconds: number) => {
    elapsedSeconds = seconds;
    const before = watched.count();
    ring();
    await until(() => watched.count() > before, { describe: "a look" });
  };
  const attempts = (total: number) =>
    until(async () => (await rooms.owner`select 1 from delivery_attempts`).length === total, {
      describe: `${total} attempts`,
    });

  const run = deliverer.run(draining.signal);
  let dueSeconds = 0;
  const times: number[] = [];
  for (const [made, delaySeconds] of DELIVERY_SCHEDULE_SECONDS.entries()) {
    dueSeconds += delaySeconds;
    times.push(dueSeconds);
    // A moment before its time nothing is sent: it would be recorded with that moment.
    if (made > 0) await goTo(dueSeconds - 0.001);
    await goTo(dueSeconds);
    if (made < DELIVERY_SCHEDULE_SECONDS.length - 1) await attempts(3 * (made + 1));
  }
  const isOff = async () =>
    (
      await rooms.owner`select disabled_reason from webhook_endpoints where id = ${endpoint.id} and not enabled`
    )[0];
  expect(await until(isOff, { describe: "the endpoint is disabled" })).toEqual({
    disabled_reason: "exhausted",
  });
  // The first that is through disables it; nothing more is sent to it then.
  const [longest, ...others] = (await attemptsInSeconds(endpoint.id, start)).toSorted(
    (a, b) => b.length - a.length,
  );
  expect(longest).toEqual(times);
  for (const other of others) expect(other).toEqual(times.slice(0, other.length));
  expect(others.every((other) => other.length >= times.length - 1)).toBe(true);
  const told = await rooms.owner`
    select d.endpoint_id from events e join deliveries d on d.event_id = e.id where e.type = 'endpoint.disabled'`;
  expect(told).toEqual([{ endpoint_id: watcher.id }]);
  expect(await rooms.owner`select 1 from audit_log where action = 'webhook_endpoint.disable'`).toHaveLength(
    1,
  );

  // What happens meanwhile is missed, and recovered with the rest.
  await happen();
  await receiver.start();
  await rooms.api.transaction(async (tx) => {
    await updateEndpoint(tx, rooms.accountId, endpoint.id, { enabled: true });
    const held = await holdEndpoint(tx, rooms.accountId, endpoint.id);
    if (held === null) throw new Error("the endpoint is gone");
    const range = { since: new Date(0), until: new Date() };
    expect(await recoverEvents(tx, held, range)).toEqual({ recovered: 4, hasMore: false });
  });
  ring();
  await until(() => receiver.received.length === 4, { describe: "all four" });
  draining.abort();
  await run;
  const events = await rooms.owner<{ id: string; payload: string }[]>`
    select id, payload from events where type = 'job.canceled' order by id`;
  expect(receiver.received.map(({ id }) => id).toSorted()).toEqual(events.map(({ id }) => id));
  for (const { id, body, headers } of receiver.received) {
    expect(body).toBe(events.find((event) => event.id === id)?.payload);
    // Signed at the time of the attempt, three days on: verified as of then.
    expect(Number(headers["webhook-timestamp"])).toBe(
      Math.floor((start.getTime() + elapsedSeconds * 1_000) / 1_000),
    );
    expect(() => new Webhook(endpoint.secret).verify(body, headers)).toThrow(/timestamp/i);
    expect(headers["webhook-signature"]).toBe(
      new Webhook(endpoint.secret).sign(id, new Date(Number(headers["webhook-timestamp"]) * 1_000), body),
    );
  }
  await receiver.stop();
});

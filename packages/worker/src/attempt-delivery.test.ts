import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import type { ClaimedDelivery } from "@earshot/shared/db/deliveries";
import { startReceiver } from "@earshot/testkit/receiver";
import type { Receiver } from "@earshot/testkit/receiver";
import { Webhook } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import { afterEach, beforeEach, expect, test } from "vitest";
import { attemptDelivery } from "./attempt-delivery.ts";
import type { AttemptOptions, DeliveryAttempt } from "./attempt-delivery.ts";

const PAYLOAD = '{"type":"job.succeeded","data":{"ü":1}}';
const secret = newWebhookSecret();

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

function attempt(
  overrides: Partial<ClaimedDelivery> = {},
  options: Partial<AttemptOptions> = {},
): Promise<DeliveryAttempt> {
  const delivery: ClaimedDelivery = {
    id: "dlv_1",
    leaseToken: "t",
    attempt: 0,
    accountId: "acc_1",
    jobId: "job_1",
    endpointId: null,
    isWanted: true,
    lane: "acc_1 http://127.0.0.1",
    type: "job.succeeded",
    sealed: { endpoint: null, endpointBefore: null, job: null, account: "unused", accountBefore: null },
    url: `${receiver.url}/hook?a=b`,
    eventId: "evt_1",
    payload: PAYLOAD,
    traceparent: null,
    ...overrides,
  };
  return attemptDelivery(delivery, {
    secrets: [secret],
    policy: { allowLoopback: true },
    timeoutMs: 5_000,
    now: () => new Date(),
    random: () => 0.5,
    signal: new AbortController().signal,
    ...options,
  });
}

/** A server that says these bytes to whoever connects, and no more. */
async function rawServer(head: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(head);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

test("the stored bytes arrive, signed so that the reference library accepts them", async () => {
  const { record, verdict } = await attempt();
  const request = await receiver.next();
  expect(verdict).toEqual({ status: "succeeded" });
  expect(record).toMatchObject({ statusCode: 200, error: null, responseHead: "" });
  expect(request).toMatchObject({ method: "POST", path: "/hook?a=b", body: PAYLOAD });
  expect(request.headers).toMatchObject({
    "content-type": "application/json",
    "user-agent": "Earshot-Webhooks/1",
    "webhook-id": "evt_1",
  });
  expect(request.headers).not.toHaveProperty("traceparent");
  new Webhook(secret).verify(request.body, request.headers as Record<string, string>);
});

/** As the senders that use Svix itself name them. */
function renamed(headers: IncomingHttpHeaders): Record<string, string> {
  const names = ["id", "timestamp", "signature"];
  return Object.fromEntries(names.map((name) => [`svix-${name}`, String(headers[`webhook-${name}`])]));
}

test("each secret of a rotation verifies, another one doesn't", async () => {
  const next = newWebhookSecret();
  await attempt({}, { secrets: [secret, next] });
  const { body, headers } = await receiver.next();
  for (const known of [secret, next]) {
    new Webhook(known).verify(body, headers as Record<string, string>);
    // Svix reads the same under its own names, too.
    new Svix(known).verify(body, headers as Record<string, string>);
    new Svix(known).verify(body, renamed(headers));
  }
  expect(() => new Webhook(newWebhookSecret()).verify(body, headers as Record<string, string>)).toThrow();
});

test("the job's trace goes on to the receiver, with a span of each attempt's own", async () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await attempt({ traceparent });
  await attempt({ traceparent });
  const hops = [await receiver.next(), await receiver.next()].map(({ headers }) => headers["traceparent"]);
  for (const hop of hops) expect(hop).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
  expect(new Set([...hops, traceparent]).size).toBe(3);
});

test("a redirect is a failure and is not followed", async () => {
  receiver.script({ status: 302, headers: { location: `${receiver.url}/elsewhere` } });
  const { record, verdict } = await attempt();
  expect(record.statusCode).toBe(302);
  expect(verdict).toEqual({ status: "retry", delaySeconds: 5 });
  expect(receiver.requests).toHaveLength(1);
});

test("a Retry-After puts the next attempt off", async () => {
  receiver.script({ status: 429, headers: { "retry-after": "90" } });
  expect((await attempt()).verdict).toEqual({ status: "retry", delaySeconds: 90 });
});

test("a receiver that never answers is left when the time is over", async () => {
  receiver.script("hang");
  const { record, verdict } = await attempt({}, { timeoutMs: 100 });
  expect(record).toMatchObject({ statusCode: null, error: "timeout", responseHead: null });
  expect(record.latencyMs).toBeGreaterThanOrEqual(95);
  expect(verdict.status).toBe("retry");
});

test("a port where nobody listens is recorded by its class", async () => {
  await receiver.stop();
  expect((await attempt()).record).toMatchObject({ statusCode: null, error: "connect" });
});

test("a cut connection is recorded by its class", async () => {
  receiver.script("reset");
  expect((await attempt()).record).toMatchObject({ statusCode: null, error: "reset" });
});

test("a target that may not be reached gets no connection, and its attempt is recorded and tried again", async () => {
  const { record, verdict } = await attempt({}, { policy: { allowLoopback: false } });
  expect(record).toMatchObject({ statusCode: null, error: "forbidden" });
  expect(verdict.status).toBe("retry");
  expect(receiver.requests).toEqual([]);
});

test("of an answer the first kilobyte is kept, as text without control characters", async () => {
  receiver.script({ status: 500, body: `a\u0000b\u001b[31mc\nü${"x".repeat(100_000)}` });
  const { responseHead } = (await attempt()).record;
  expect(responseHead).toMatch(/^ab\[31mcüx+$/);
  expect(Buffer.byteLength(responseHead ?? "")).toBe(1_024 - 3);
});

test("a character that the cut divides is left out", async () => {
  receiver.script({ status: 500, body: `x${"ü".repeat(1_000)}` });
  expect((await attempt()).record.responseHead).toBe(`x${"ü".repeat(511)}`);
});

test("a success whose body never ends is a success, when the time is over at the latest", async () => {
  const server = await rawServer("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  const { record, verdict } = await attempt({ url: urlOf(server) }, { timeoutMs: 200 });
  expect(record).toMatchObject({ statusCode: 200, responseHead: "abc", error: null });
  expect(verdict.status).toBe("succeeded");
  server.close();
});

test("an endless answer is read no further than it is of use", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 500 Broken\r\n\r\n");
    const flood = () => socket.write("y".repeat(65_536), (error) => (error ? undefined : flood()));
    flood();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { record } = await attempt({ url: urlOf(server) });
  expect(record).toMatchObject({ statusCode: 500, responseHead: "y".repeat(1_024) });
  expect(record.latencyMs).toBeLessThan(4_000);
  server.close();
});

test("an attempt that is cut off throws the reason", async () => {
  receiver.script("hang");
  const cut = new AbortController();
  const attempted = attempt({}, { signal: cut.signal });
  await receiver.next();
  cut.abort(new Error("drain"));
  await expect(attempted).rejects.toThrow("drain");
});

test("nothing is sent unsigned", async () => {
  await expect(attempt({}, { secrets: [] })).rejects.toThrow(TypeError);
  await expect(attempt({}, { secrets: ["whsec_short"] })).rejects.toThrow(TypeError);
  expect(receiver.requests).toEqual([]);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { numberEvents } from "@earshot/shared/db/number-events";
import { until } from "@earshot/testkit/until";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { deliverAll, FAILED, SUCCEEDED } from "../../../test/deliverer-stand-in.ts";
import { claimAndFinish } from "../../../test/worker-stand-in.ts";
import type { JobBody } from "../jobs/job-body.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const HOOK = "https://example.com/hook";
const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

interface Event {
  id: string;
  type: string;
  sequence: number | null;
  job_id: string | null;
  data: { id: string; sequence: number };
}

interface Delivery {
  id: string;
  endpoint_id: string | null;
  status: string;
  next_attempt_at: string | null;
  attempts: { attempt: number; status_code: number }[];
}

const submit = async (as: Caller, fields: object = {}) =>
  (await bodyOf(await api.send("POST", "/v1/jobs", { json: { ...JOB, ...fields }, as }))).id;

/** A job that is canceled at once: the shortest way to an event. */
async function happen(as: Caller, fields: object = {}): Promise<string> {
  const id = await submit(as, fields);
  expect((await api.send("POST", `/v1/jobs/${id}/cancel`, { as })).status).toBe(200);
  return id;
}

async function list(as: Caller, query: Record<string, string> = {}) {
  const response = await api.send("GET", `/v1/events?${new URLSearchParams(query)}`, { as });
  expect(response.status).toBe(200);
  return bodyOf<{ data: Event[]; has_more: boolean; next_cursor: string | null }>(response);
}

async function onlyEvent(as: Caller): Promise<string> {
  const [event, ...others] = (await list(as)).data;
  if (!event || others.length > 0) throw new Error("there is not one event");
  return event.id;
}

const deliveries = async (as: Caller, eventId: string) =>
  (await bodyOf<{ data: Delivery[] }>(await api.send("GET", `/v1/events/${eventId}/deliveries`, { as })))
    .data;

const addEndpoint = async (as: Caller, fields: object = {}) =>
  (await bodyOf(await api.send("POST", "/v1/webhook-endpoints", { json: { url: HOOK, ...fields }, as }))).id;

const redeliver = (as: Caller, eventId: string, json?: object) =>
  api.send("POST", `/v1/events/${eventId}/redeliver`, { as, json });

const showJob = async (as: Caller, id: string) =>
  bodyOf<JobBody>(await api.send("GET", `/v1/jobs/${id}`, { as }));

test("an event shows what its deliveries carry, and its order once that is known", async () => {
  const caller = await api.addCaller();
  const jobId = await happen(caller, { metadata: { album: "Kid A" } });
  const [event] = (await list(caller)).data;
  expect(event).toEqual({
    id: expect.stringMatching(/^evt_/),
    type: "job.canceled",
    timestamp: expect.any(String),
    created_at: expect.any(String),
    sequence: null,
    job_id: jobId,
    data: expect.objectContaining({
      id: jobId,
      sequence: 1,
      status: "canceled",
      metadata: { album: "Kid A" },
    }),
    links: { self: `/v1/events/${event?.id}`, deliveries: `/v1/events/${event?.id}/deliveries` },
  });
  await numberEvents(api.owner.db);
  const now = await bodyOf<Event>(await api.send("GET", `/v1/events/${event?.id}`, { as: caller }));
  expect(now).toEqual({ ...event, sequence: 1 });
});

test("events are paged, and filtered by type, job and time", async () => {
  const caller = await api.addCaller();
  const first = await happen(caller);
  const second = await submit(caller);
  await claimAndFinish(api.owner.db, second);
  await happen(caller);
  const [newest, middle, oldest] = (await list(caller)).data;
  const found = async (query: Record<string, string>) => (await list(caller, query)).data.map(({ id }) => id);
  expect(await found({ type: "job.succeeded" })).toEqual([middle?.id]);
  expect(await found({ type: "job.canceled" })).toEqual([newest?.id, oldest?.id]);
  expect(await found({ job_id: first })).toEqual([oldest?.id]);
  await api.owner.sql`update events set created_at = '2026-01-01T00:00:00Z' where id = ${oldest?.id ?? ""}`;
  expect(await found({ created_before: "2026-01-02T00:00:00Z" })).toEqual([oldest?.id]);
  expect(await found({ created_after: "2026-01-02T00:00:00Z" })).toEqual([newest?.id, middle?.id]);
  const page = await list(caller, { limit: "2" });
  const rest = await list(caller, { limit: "2", cursor: page.next_cursor ?? "" });
  expect([...page.data, ...rest.data].map(({ id }) => id)).toEqual([newest?.id, middle?.id, oldest?.id]);
  expect(rest.next_cursor).toBeNull();
  const stolen = await api.send("GET", `/v1/events?type=job.failed&cursor=${page.next_cursor}`, {
    as: caller,
  });
  expect(await refusalOf(stolen)).toMatchObject({ status: 400, pointers: ["/query/cursor"] });
});

test("one event shows each of its deliveries, every attempt, and when the next one is", async () => {
  const caller = await api.addCaller();
  const endpoint = await addEndpoint(caller);
  await happen(caller, { webhook: { url: HOOK } });
  const eventId = await onlyEvent(caller);
  await deliverAll(
    api.owner.db,
    { status: "retry", delaySeconds: 300 },
    { statusCode: 503, responseHead: "later" },
  );
  const shown = await deliveries(caller, eventId);
  expect(shown.map(({ endpoint_id }) => endpoint_id).toSorted()).toEqual([endpoint, null].toSorted());
  for (const delivery of shown) {
    expect(delivery).toMatchObject({
      status: "pending",
      attempts: [{ attempt: 1, status_code: 503, error: null, response_head: "later", latency_ms: 7 }],
    });
    expect(Date.parse(delivery.next_attempt_at ?? "") - Date.now()).toBeGreaterThan(290_000);
  }
});

test("an event is sent once more to all that it went to; what still waits is only hurried", async () => {
  const caller = await api.addCaller();
  await addEndpoint(caller);
  await happen(caller, { webhook: { url: HOOK } });
  const eventId = await onlyEvent(caller);
  await deliverAll(api.owner.db, { status: "retry", delaySeconds: 300 });
  const hurried = await bodyOf<{ delivery_ids: string[] }>(await redeliver(caller, eventId));
  expect(hurried.delivery_ids.toSorted()).toEqual(
    (await deliveries(caller, eventId)).map(({ id }) => id).toSorted(),
  );
  expect(await deliverAll(api.owner.db, SUCCEEDED)).toEqual([eventId, eventId]);

  expect((await redeliver(caller, eventId)).status).toBe(202);
  expect(await deliverAll(api.owner.db, SUCCEEDED)).toEqual([eventId, eventId]);
  expect((await deliveries(caller, eventId)).map(({ attempts }) => attempts.length)).toEqual([2, 2, 1, 1]);
});

test("an event is sent to one endpoint when it is named, even one that did not ask for it", async () => {
  const caller = await api.addCaller();
  const stranger = await api.addCaller();
  await happen(caller);
  const eventId = await onlyEvent(caller);
  const endpoint = await addEndpoint(caller, { events: ["job.failed"] });
  expect((await redeliver(caller, eventId, { endpoint_id: endpoint })).status).toBe(202);
  expect(await deliveries(caller, eventId)).toMatchObject([{ endpoint_id: endpoint, status: "pending" }]);
  const foreign = await redeliver(caller, eventId, { endpoint_id: await addEndpoint(stranger) });
  expect(await refusalOf(foreign)).toEqual({ status: 404, code: "not_found", pointers: ["/endpoint_id"] });
});

test("nobody is left for an event whose endpoint is disabled and whose job is deleted", async () => {
  const caller = await api.addCaller();
  const endpoint = await addEndpoint(caller);
  const jobId = await happen(caller, { webhook: { url: HOOK } });
  const eventId = await onlyEvent(caller);
  await deliverAll(api.owner.db, FAILED, { statusCode: 500 });
  await api.send("PATCH", `/v1/webhook-endpoints/${endpoint}`, { json: { enabled: false }, as: caller });
  expect((await api.send("DELETE", `/v1/jobs/${jobId}`, { as: caller })).status).toBe(204);
  expect(await refusalOf(await redeliver(caller, eventId))).toMatchObject({ status: 409, code: "conflict" });
  expect((await redeliver(caller, eventId, { endpoint_id: endpoint })).status).toBe(409);
});

test("a job shows the last delivery of its webhook", async () => {
  const caller = await api.addCaller();
  const id = await submit(caller, { webhook: { url: HOOK } });
  const none = { url: HOOK, events: null, event_id: null, status: null, attempts: 0, last_attempt: null };
  expect((await showJob(caller, id)).webhook).toEqual({ ...none, next_attempt_at: null });
  await api.send("POST", `/v1/jobs/${id}/cancel`, { as: caller });
  const eventId = await onlyEvent(caller);
  await deliverAll(
    api.owner.db,
    { status: "retry", delaySeconds: 0 },
    { statusCode: null, error: "timeout" },
  );
  expect((await showJob(caller, id)).webhook).toEqual({
    ...none,
    event_id: eventId,
    status: "pending",
    attempts: 1,
    last_attempt: { at: expect.any(String), latency_ms: 7, status_code: null, error: "timeout" },
    next_attempt_at: expect.any(String),
  });
  await deliverAll(api.owner.db, SUCCEEDED);
  const jobs = await bodyOf<{ data: JobBody[] }>(await api.send("GET", "/v1/jobs", { as: caller }));
  expect(jobs.data[0]?.webhook).toMatchObject({ status: "succeeded", attempts: 2, next_attempt_at: null });
  expect(jobs.data[0]?.webhook).toEqual((await showJob(caller, id)).webhook);
});

interface Heard {
  data: { id: string; type: string; sequence: number; body: string; headers: Record<string, string> }[];
  next_after: number;
}

test("who listens hears the account's events in their order, signed with the secret that he brought", async () => {
  const caller = await api.addCaller();
  const stranger = await api.addCaller();
  const secret = newWebhookSecret();
  const listen = async (fields: object) =>
    bodyOf<Heard>(await api.send("POST", "/v1/events/listen", { json: { secret, ...fields }, as: caller }));
  await happen(caller);
  await numberEvents(api.owner.db);
  const start = await listen({});
  expect(start).toEqual({ data: [], next_after: 1 });

  const waiting = listen({ after: start.next_after, wait: 30 });
  await happen(stranger);
  const jobId = await happen(caller);
  await numberEvents(api.owner.db);
  const heard = await waiting;
  expect(heard).toMatchObject({ data: [{ type: "job.canceled", sequence: 2 }], next_after: 2 });
  const [event] = heard.data;
  expect(new Webhook(secret).verify(event?.body ?? "", event?.headers ?? {})).toMatchObject({
    data: { id: jobId },
  });
  expect(event?.headers["webhook-id"]).toBe(event?.id);
  expect(await listen({ after: 0 })).toMatchObject({ data: [{ sequence: 1 }, { sequence: 2 }] });
  // What it did not ask for is passed over for good.
  expect(await listen({ after: 0, types: ["job.failed"] })).toEqual({ data: [], next_after: 2 });
});

test("a listener who goes away is not waited for", async () => {
  const gone = new AbortController();
  const json = { secret: newWebhookSecret(), wait: 30 };
  const answer = Promise.resolve(api.send("POST", "/v1/events/listen", { json, signal: gone.signal }));
  await until(() => true, { describe: "it has begun" });
  gone.abort();
  expect((await answer).status).toBe(200);
});

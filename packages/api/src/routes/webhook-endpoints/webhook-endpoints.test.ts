import { afterAll, beforeAll, expect, test } from "vitest";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { signingSecrets } from "@earshot/shared/db/webhooks/signing-secrets";
import { LIMITS } from "@earshot/shared/domain/limits";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { claimAll, deliverAll, FAILED, SUCCEEDED } from "../../../test/deliverer-stand-in.ts";
import type { EndpointBody } from "./endpoint-body.ts";

type WithSecret = EndpointBody & { secret: string };

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const PATH = "/v1/webhook-endpoints";
const HOOK = "https://example.com/hook?token=private";
const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

async function create(fields: object = {}, as: Caller = api.caller): Promise<WithSecret> {
  const response = await api.send("POST", PATH, { json: { url: HOOK, ...fields }, as });
  expect(response.status).toBe(201);
  return bodyOf<WithSecret>(response);
}

const read = async (id: string, as = api.caller) =>
  bodyOf<EndpointBody>(await api.send("GET", `${PATH}/${id}`, { as }));

const change = (id: string, json: object, as = api.caller) =>
  api.send("PATCH", `${PATH}/${id}`, { json, as });

/** A job that is canceled at once: the shortest way to an event. */
async function happen(as: Caller, webhook?: { url: string }): Promise<void> {
  const { id } = await bodyOf(await api.send("POST", "/v1/jobs", { json: { ...JOB, webhook }, as }));
  expect((await api.send("POST", `/v1/jobs/${id}/cancel`, { as })).status).toBe(200);
}

/** What signs a delivery to this endpoint now. */
async function secretsOf(id: string, as = api.caller): Promise<string[]> {
  await deliverAll(api.owner.db, SUCCEEDED);
  expect((await api.send("POST", `${PATH}/${id}/test`, { as })).status).toBe(202);
  const [delivery] = await claimAll(api.owner.db);
  return delivery ? signingSecrets(api.deps.sealKeys, delivery) : [];
}

const deliveriesTo = (id: string) =>
  api.owner.sql<{ event_id: string; status: string; is_due: boolean }[]>`
    select event_id, status, next_attempt_at <= now() as is_due from deliveries where endpoint_id = ${id} order by created_at, id`;

async function recover(
  id: string,
  as: Caller,
  range: object,
): Promise<{ recovered: number; has_more: boolean }> {
  const response = await api.send("POST", `${PATH}/${id}/recover`, { json: range, as });
  expect(response.status).toBe(202);
  return bodyOf(response);
}

const LONG_AGO = "2020-01-01T00:00:00Z";

test("an endpoint's secret is shown where it is made and nowhere else, and sealed for this endpoint", async () => {
  const response = await api.send("POST", PATH, { json: { url: HOOK, metadata: { team: "a" } } });
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  const { secret, ...made } = await bodyOf<WithSecret>(response);
  expect(response.headers.get("Location")).toBe(`${PATH}/${made.id}`);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/=]{44}$/);
  expect(made).toEqual({
    id: expect.stringMatching(/^whe_[0-9A-Z]{26}$/),
    url: HOOK,
    description: "",
    events: null,
    payload: "thin",
    metadata: { team: "a" },
    enabled: true,
    disabled_reason: null,
    disabled_at: null,
    previous_secret_until: null,
    created_at: expect.any(String),
    updated_at: expect.any(String),
  });
  const key = secret.slice(6);
  for (const path of [PATH, `${PATH}/${made.id}`]) {
    const text = await (await api.send("GET", path)).text();
    expect(text).toContain(made.id);
    expect(text).not.toContain(key);
  }
  expect(await (await change(made.id, { description: "x" })).text()).not.toContain(key);
  const [row] = await api.owner
    .sql`select to_jsonb(e)::text as row from webhook_endpoints e where id = ${made.id}`;
  expect(row?.["row"]).not.toContain(key);
  expect(await secretsOf(made.id)).toEqual([secret]);
});

test("what is done to an endpoint is in the audit log, without its secret and without what its URL may hide", async () => {
  const caller = await api.addCaller();
  const { id, secret } = await create({}, caller);
  await change(id, { enabled: false, url: HOOK }, caller);
  await api.send("POST", `${PATH}/${id}/rotate-secret`, { as: caller });
  await api.send("DELETE", `${PATH}/${id}`, { as: caller });
  const rows = await api.owner.sql`
    select action, detail::text as detail from audit_log where target = ${id} order by created_at, id`;
  const act = (verb: string) => ({ action: `webhook_endpoint.${verb}`, detail: expect.any(String) });
  expect(rows.toSorted((a, b) => (a["action"] < b["action"] ? -1 : 1))).toEqual(
    ["create", "delete", "rotate_secret", "update"].map(act),
  );
  for (const { detail } of rows) expect(detail).not.toMatch(new RegExp(`private|${secret.slice(6, 16)}`));
});

const BAD: [string, object, string][] = [
  ["no URL", { url: undefined }, "/url"],
  ["plain http", { url: "http://example.com/" }, "/url"],
  ["a private address", { url: "https://10.0.0.1/" }, "/url"],
  ["loopback, spelled otherwise", { url: "https://0x7f.1/" }, "/url"],
  ["a port of another service", { url: "https://example.com:22/" }, "/url"],
  ["credentials in the URL", { url: "https://u:p@example.com/" }, "/url"],
  ["an unknown type", { events: ["job.succeeded", "job.sung"] }, "/events/1"],
  ["no type at all", { events: [] }, "/events"],
  ["a payload of another kind", { payload: "fat" }, "/payload"],
  ["a secret that is too short", { secret: "whsec_c2hvcnQ=" }, "/secret"],
  ["a field that it does not have", { disabled_at: LONG_AGO }, "/disabled_at"],
];

test.for(BAD)("an endpoint with %s is refused", async ([, fields, pointer]) => {
  const response = await api.send("POST", PATH, { json: { url: HOOK, ...fields } });
  expect(await refusalOf(response)).toEqual({ status: 400, code: "validation_failed", pointers: [pointer] });
});

test("a change changes what it names, and its URL is checked like the first", async () => {
  const { id } = await create({ description: "old", events: ["job.failed"] });
  const changed = await bodyOf<EndpointBody>(
    await change(id, { url: "https://example.org/", payload: "full", events: null }),
  );
  expect(changed).toMatchObject({
    url: "https://example.org/",
    description: "old",
    payload: "full",
    events: null,
  });
  expect(await read(id)).toEqual(changed);
  expect(await refusalOf(await change(id, { url: "https://127.0.0.1/" }))).toMatchObject({
    pointers: ["/url"],
  });
});

test("enabling an endpoint forgets why it was disabled; what waits for a disabled one is due to be closed", async () => {
  const caller = await api.addCaller();
  const { id } = await create({}, caller);
  await api.owner.sql`
    update webhook_endpoints set enabled = false, disabled_reason = 'gone', disabled_at = now() where id = ${id}`;
  expect(await read(id, caller)).toMatchObject({ enabled: false, disabled_reason: "gone" });
  expect(await bodyOf(await change(id, { enabled: true }, caller))).toMatchObject({
    enabled: true,
    disabled_reason: null,
    disabled_at: null,
  });
  await happen(caller);
  await api.owner
    .sql`update deliveries set next_attempt_at = now() + interval '1 h' where endpoint_id = ${id}`;
  await change(id, { enabled: false }, caller);
  expect(await deliveriesTo(id)).toMatchObject([{ status: "pending", is_due: true }]);
});

test("after a rotation both secrets sign until the grace ends, and never more than two", async () => {
  const { id, secret: first } = await create();
  const rotate = async (json?: object) =>
    bodyOf<WithSecret>(await api.send("POST", `${PATH}/${id}/rotate-secret`, { json }));
  const { secret: second, previous_secret_until: until } = await rotate();
  expect(Date.parse(until ?? "") - Date.now()).toBeGreaterThan(23 * 3_600_000);
  expect(await secretsOf(id)).toEqual([second, first]);

  const own = newWebhookSecret();
  expect((await rotate({ secret: own, grace_seconds: 60 })).secret).toBe(own);
  expect(await secretsOf(id)).toEqual([own, second]);
  await api.owner.sql`update webhook_endpoints set previous_secret_until = now() where id = ${id}`;
  expect(await secretsOf(id)).toEqual([own]);
  expect((await read(id)).previous_secret_until).toBeNull();

  const { secret: last } = await rotate({ grace_seconds: 0 });
  expect(await secretsOf(id)).toEqual([last]);
});

test("the account's own secret rotates alike, for the webhooks of jobs that bring none", async () => {
  const caller = await api.addCaller();
  const ACCOUNT = "/v1/account/rotate-webhook-secret";
  const rotate = async (json?: object) => {
    const response = await api.send("POST", ACCOUNT, { json, as: caller });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    return bodyOf<{ secret: string; previous_secret_until: string | null }>(response);
  };
  const own = newWebhookSecret();
  expect(await rotate({ secret: own, grace_seconds: 0 })).toEqual({
    secret: own,
    previous_secret_until: null,
  });
  const { secret, previous_secret_until: until } = await rotate();
  expect(Date.parse(until ?? "") - Date.now()).toBeGreaterThan(23 * 3_600_000);
  await deliverAll(api.owner.db, SUCCEEDED);
  await happen(caller, { url: HOOK });
  const [delivery] = await claimAll(api.owner.db);
  expect(delivery && (await signingSecrets(api.deps.sealKeys, delivery))).toEqual([secret, own]);

  expect(await refusalOf(await api.send("POST", ACCOUNT, { json: { secret: "short" }, as: caller }))).toEqual(
    {
      status: 400,
      code: "validation_failed",
      pointers: ["/secret"],
    },
  );
  const rows = await api.owner.sql`
    select detail from audit_log where action = 'account.rotate_webhook_secret' and target = ${caller.accountId}
    order by created_at, id`;
  expect(rows).toEqual([{ detail: { grace_seconds: 0 } }, { detail: { grace_seconds: 86_400 } }]);
});

test("a test goes to the one endpoint, once; a disabled one takes none", async () => {
  const caller = await api.addCaller();
  const { id } = await create({ events: ["job.failed"] }, caller);
  await create({}, caller);
  const response = await api.send("POST", `${PATH}/${id}/test`, { as: caller });
  expect(response.status).toBe(202);
  const { event_id: eventId } = await bodyOf<{ event_id: string }>(response);
  const sent = await api.owner.sql`select endpoint_id from deliveries where event_id = ${eventId}`;
  expect(sent).toEqual([{ endpoint_id: id }]);
  await change(id, { enabled: false }, caller);
  expect((await api.send("POST", `${PATH}/${id}/test`, { as: caller })).status).toBe(409);
});

test("a deleted endpoint is gone with its secrets; what was sent to it stays", async () => {
  const caller = await api.addCaller();
  const { id } = await create({}, caller);
  await happen(caller);
  expect((await api.send("DELETE", `${PATH}/${id}`, { as: caller })).status).toBe(204);
  for (const [method, path] of [
    ["GET", `${PATH}/${id}`],
    ["DELETE", `${PATH}/${id}`],
    ["GET", `${PATH}/${id}/attempts`],
    ["POST", `${PATH}/${id}/test`],
    ["POST", `${PATH}/${id}/rotate-secret`],
  ] as const) {
    expect((await api.send(method, path, { as: caller })).status, path).toBe(404);
  }
  expect(await bodyOf(await api.send("GET", PATH, { as: caller }))).toMatchObject({ data: [] });
  const [row] = await api.owner.sql`
    select secret_sealed, previous_secret_sealed from webhook_endpoints where id = ${id}`;
  expect(row).toEqual({ secret_sealed: null, previous_secret_sealed: null });
  expect(await deliveriesTo(id)).toHaveLength(1);
  await happen(caller);
  expect(await deliveriesTo(id)).toHaveLength(1);
});

test("an account has so many endpoints and no more, however many are asked for at once", async () => {
  const caller = await api.addCaller();
  const { accountId } = caller;
  await api.owner.sql`
    insert into webhook_endpoints (id, account_id, url, secret_sealed)
    select 'whe_' || ${accountId} || n, ${accountId}, ${HOOK}, 'x' from generate_series(3, ${LIMITS.webhookEndpoints}::int) n`;
  const asked = [1, 2, 3, 4].map(() => api.send("POST", PATH, { json: { url: HOOK }, as: caller }));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([201, 201, 429, 429]);
});

test("a recovery sends once more what failed, and what came while the endpoint was disabled, and nothing else", async () => {
  // Nothing of another test is left to be sent.
  await deliverAll(api.owner.db, SUCCEEDED);
  const caller = await api.addCaller();
  await happen(caller);
  const { id } = await create({ events: ["job.canceled", "webhook.test"] }, caller);
  await happen(caller);
  const [failed] = await deliverAll(api.owner.db, FAILED, { statusCode: 500 });
  await happen(caller);
  const [arrived] = await deliverAll(api.owner.db, SUCCEEDED);
  await api.send("POST", `${PATH}/${id}/test`, { as: caller });
  await deliverAll(api.owner.db, FAILED, { statusCode: 500 });
  await change(id, { enabled: false }, caller);
  await happen(caller);
  expect(
    (await api.send("POST", `${PATH}/${id}/recover`, { json: { since: LONG_AGO }, as: caller })).status,
  ).toBe(409);
  await change(id, { enabled: true }, caller);
  await happen(caller);

  expect(await recover(id, caller, { since: LONG_AGO, until: "2020-01-02T00:00:00Z" })).toMatchObject({
    recovered: 0,
  });
  const both = await Promise.all([1, 2].map(() => recover(id, caller, { since: LONG_AGO })));
  expect(both.map(({ recovered }) => recovered).toSorted()).toEqual([0, 2]);
  const sent = await deliverAll(api.owner.db, SUCCEEDED);
  // What failed, what was missed, and what was about to be sent anyhow: each once.
  expect(new Set(sent).size).toBe(3);
  expect(sent).toHaveLength(3);
  expect(sent).toContain(failed);
  expect(sent).not.toContain(arrived);
  expect(await recover(id, caller, { since: LONG_AGO })).toEqual({ recovered: 0, has_more: false });
});

test("a recovery's range must be one", async () => {
  const { id } = await create();
  for (const json of [{}, { since: "yesterday" }, { since: LONG_AGO, until: LONG_AGO }]) {
    const refusal = await refusalOf(await api.send("POST", `${PATH}/${id}/recover`, { json }));
    expect(refusal).toMatchObject({ status: 400, pointers: ["/since"] });
  }
});

test("every attempt is listed, the newest first, page by page", async () => {
  const caller = await api.addCaller();
  const { id } = await create({}, caller);
  await happen(caller);
  await happen(caller);
  await deliverAll(
    api.owner.db,
    { status: "retry", delaySeconds: 0 },
    { statusCode: 503, responseHead: "later" },
  );
  await deliverAll(api.owner.db, SUCCEEDED);
  type Page = { data: { attempt: number; status_code: number }[]; next_cursor: string | null };
  const page = async (query: string) =>
    bodyOf<Page>(await api.send("GET", `${PATH}/${id}/attempts?limit=3${query}`, { as: caller }));
  const first = await page("");
  const second = await page(`&cursor=${first.next_cursor}`);
  const all = [...first.data, ...second.data];
  expect(all.map(({ attempt, status_code }) => [attempt, status_code])).toEqual([
    [2, 200],
    [2, 200],
    [1, 503],
    [1, 503],
  ]);
  expect(second.next_cursor).toBeNull();
  expect(all[3]).toEqual({
    attempt: 1,
    started_at: expect.any(String),
    latency_ms: 7,
    status_code: 503,
    error: null,
    response_head: "later",
    delivery_id: expect.stringMatching(/^dlv_/),
    event_id: expect.stringMatching(/^evt_/),
    type: "job.canceled",
  });
});

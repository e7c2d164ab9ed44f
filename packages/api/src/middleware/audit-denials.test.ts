import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";
import { createApp } from "../app.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

interface Row {
  account_id: string | null;
  actor_kind: string;
  action: string;
  outcome: string;
  target: string | null;
  detail: { route?: string; sampled?: true };
}

/** Of an address that no other test has: what is counted of it is this test's alone. */
function comingFrom(ip: string) {
  const rows = async () =>
    [
      ...(await api.owner.sql<
        Row[]
      >`select account_id, actor_kind, action, outcome, target, detail from audit_log where ip = ${ip} order by created_at, id`),
    ] satisfies Row[];
  const get = (path: string, key: string | null, via = api.app) =>
    api.send("GET", path, {
      via,
      headers: { "X-Test-Client-Ip": ip, Authorization: key === null ? null : `Bearer ${key}` },
    });
  const rowsOnce = (count: number) =>
    until(async () => ((await rows()).length >= count ? rows() : null), { describe: `${count} rows` });
  return { rows, get, rowsOnce };
}

test("a refused credential is in the log, with its route and without its secret", async () => {
  const { get, rowsOnce } = comingFrom("203.0.113.1");
  const wrong = `ek_ABCDEFGHIJKL_${"x".repeat(43)}`;
  expect((await get("/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV?token=hush", wrong)).status).toBe(401);
  const rows = await rowsOnce(1);
  expect(rows).toEqual([
    {
      account_id: null,
      actor_kind: "anonymous",
      action: "auth.failed",
      outcome: "failure",
      target: null,
      detail: { method: "GET", route: "/v1/jobs/:id" },
    },
  ]);
});

test("a wrong secret of a key that there is is told to the key's account", async () => {
  const { get, rowsOnce } = comingFrom("203.0.113.2");
  const { accountId, key } = await api.addCaller();
  await get("/v1/me", `${key.slice(0, -4)}AAAA`);
  expect(await rowsOnce(1)).toMatchObject([
    {
      account_id: accountId,
      actor_kind: "anonymous",
      action: "auth.failed",
      target: expect.stringMatching(/^key_/),
    },
  ]);
});

test("an act that the credential may not do is in the log, as its holder's", async () => {
  const { get, rowsOnce } = comingFrom("203.0.113.3");
  const { accountId, key } = await api.addCaller({ scopes: [] });
  expect((await get("/v1/jobs", key)).status).toBe(403);
  expect(await rowsOnce(1)).toMatchObject([
    { account_id: accountId, actor_kind: "api_key", action: "access.denied", outcome: "denied" },
  ]);
});

test("what succeeds, and what isn't there, leaves no denial", async () => {
  const { get, rows } = comingFrom("203.0.113.4");
  await get("/v1/me", api.caller.key);
  await get("/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV", api.caller.key);
  const { rowsOnce } = comingFrom("203.0.113.5");
  await comingFrom("203.0.113.5").get("/v1/me", "wrong");
  await rowsOnce(1);
  expect(await rows()).toEqual([]);
});

test("after 20 a minute a source is sampled, and its account is told once of the burst", async () => {
  const { get, rows } = comingFrom("203.0.113.6");
  const { accountId, key } = await api.addCaller({ scopes: [] });
  const now = new Date("2026-01-01T00:00:00Z");
  const via = createApp({ ...api.deps, clock: () => now });
  for (let count = 0; count < 60; count++) await get("/v1/jobs", key, via);
  const count = async (action: string) => (await rows()).filter((row) => row.action === action).length;
  await until(async () => (await count("security.alert")) === 1, { describe: "the alert" });
  await get("/v1/jobs", key, via);
  expect(await count("access.denied")).toBe(21);
  expect((await rows()).filter(({ detail }) => detail.sampled)).toHaveLength(1);
  expect(await count("security.alert")).toBe(1);
  const events = await api.owner.sql`select type, payload from events where account_id = ${accountId}`;
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    type: "security.alert",
    payload: expect.stringContaining("denied_requests"),
  });
  expect(api.logged).toContainEqual(
    expect.objectContaining({ level: "warn", event: "security_alert", account_id: accountId }),
  );
});

test("a log that can't be written refuses nobody who may", async () => {
  const { get } = comingFrom("203.0.113.7");
  const rateLimiter = { take: () => Promise.reject(new Error("the store is away")) };
  const via = createApp({ ...api.deps, rateLimiter });
  const { key } = await api.addCaller({ scopes: [] });
  expect((await get("/v1/jobs", key, via)).status).toBe(403);
  await until(async () => api.logged.some(({ event }) => event === "denial_not_recorded"), {
    describe: "the warning",
  });
});

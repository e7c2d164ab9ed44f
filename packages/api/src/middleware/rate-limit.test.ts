import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";
import { describeRateLimits } from "../../test/suites/describe-rate-limits.ts";
import { createApp } from "../app.ts";
import type { Deps } from "../deps.ts";
import { MemoryLimiter } from "../rate-limits/memory-limiter.ts";
import { postgresLimiter } from "../rate-limits/postgres-limiter.ts";
import { parseRateLimits } from "../rate-limits/rate-limits.ts";

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** The same front door with limits, and a clock that the test moves. */
function limited(limits: string, overrides: Partial<Deps> = {}) {
  const time = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const rateLimits = parseRateLimits(limits);
  const clock = () => new Date(time.nowMs);
  const via = createApp({ ...api.deps, rateLimiter: new MemoryLimiter(), rateLimits, clock, ...overrides });
  return { via, time };
}

describe.each(["memory", "postgres"] as const)("counted in %s", (store) => {
  describeRateLimits(async () => {
    const started = await startApi();
    const rateLimiter = store === "memory" ? new MemoryLimiter() : postgresLimiter(started.deps.db);
    const { via } = limited("req=300/60", {
      ...started.deps,
      rateLimiter,
      rateLimits: parseRateLimits("req=300/60"),
    });
    return {
      ...started,
      send: (method, path, options = {}) => started.send(method, path, { ...options, via }),
      put: () => Promise.reject(new Error("nothing is put here")),
      heardJobIds: async () => [],
    };
  }, 300);
});

test("kinds of requests have limits of their own within the account's", async () => {
  const { via } = limited("req=100/60,write=2/60,submit=3/60");
  const as = await api.addCaller();
  const submit = () => api.send("POST", "/v1/jobs", { via, as, json: JOB });
  const first = await submit();
  expect(first.headers.get("RateLimit-Policy")).toBe('"req";q=100;w=60, "submit";q=3;w=60');
  expect(first.headers.get("RateLimit")).toBe('"req";r=99;t=60, "submit";r=2;t=60');
  const { id } = await bodyOf(first);
  await submit();
  await submit();
  expect((await submit()).status).toBe(429);
  const cancel = () => api.send("POST", `/v1/jobs/${id}/cancel`, { via, as });
  expect([(await cancel()).status, (await cancel()).status, (await cancel()).status]).toEqual([
    200, 200, 429,
  ]);
  expect((await api.send("GET", "/v1/me", { via, as })).headers.get("RateLimit")).toBe('"req";r=94;t=60');
});

test("a key with a rate of its own keeps to it, and its account's others do not pay", async () => {
  const { via } = limited("req=100/60");
  const slow = await api.addCaller();
  await api.owner.sql`update api_keys set requests_per_minute = 2 where account_id = ${slow.accountId}`;
  const ask = () => api.send("GET", "/v1/me", { via, as: slow });
  expect((await ask()).headers.get("RateLimit-Policy")).toBe('"req";q=100;w=60, "key";q=2;w=60');
  await ask();
  const refused = await ask();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("RateLimit")).toBe('"key";r=0;t=60');
});

test("who waited as long as was said is let in again", async () => {
  const { via, time } = limited("req=2/60");
  const as = await api.addCaller();
  const ask = () => api.send("GET", "/v1/me", { via, as });
  await ask();
  await ask();
  const refused = await ask();
  time.nowMs += Number(refused.headers.get("Retry-After")) * 1000 - 1001;
  expect((await ask()).status).toBe(429);
  time.nowMs += 1001;
  expect((await ask()).status).toBe(200);
});

describe("wrong credentials", () => {
  const guess = (via: ReturnType<typeof limited>["via"], ip: string, key = "ek_000000000000_x") =>
    api.send("GET", "/v1/me", { via, headers: { Authorization: `Bearer ${key}`, "X-Test-Client-Ip": ip } });

  test("are counted by address, and no header that the guesser writes starts a new count", async () => {
    const { via } = limited("failed=3/60");
    const statuses: number[] = [];
    for (let guesses = 0; guesses < 5; guesses++) statuses.push((await guess(via, "192.0.2.7")).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect((await guess(via, "192.0.2.8")).status).toBe(401);
  });

  test("of one IPv6 network are counted together", async () => {
    const { via } = limited("failed=1/60");
    expect((await guess(via, "2001:db8:0:1::1")).status).toBe(401);
    expect((await guess(via, "2001:db8:0:1:ffff::2")).status).toBe(429);
    expect((await guess(via, "2001:db8:0:2::1")).status).toBe(401);
  });

  test("lock nobody out: a right one is taken from the same address", async () => {
    const { via } = limited("failed=1/60");
    await guess(via, "192.0.2.7");
    expect((await guess(via, "192.0.2.7")).status).toBe(429);
    expect((await guess(via, "192.0.2.7", api.caller.key)).status).toBe(200);
  });

  test("a request that shows none is not counted", async () => {
    const { via } = limited("failed=1/60");
    const ask = () => api.send("GET", "/v1/me", { via, headers: { Authorization: null } });
    expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([401, 401, 401]);
  });
});

test("requests to sign in are counted by address before anything is looked at", async () => {
  const { via } = limited("auth=2/60");
  const ask = (ip: string) =>
    api.send("POST", "/v1/auth/token", {
      via,
      headers: { Authorization: null, "X-Test-Client-Ip": ip, "X-Forwarded-For": crypto.randomUUID() },
    });
  const statuses = [(await ask("192.0.2.7")).status, (await ask("192.0.2.7")).status];
  expect(statuses).not.toContain(429);
  const refused = await ask("192.0.2.7");
  expect([refused.status, Number(refused.headers.get("Retry-After")) > 0]).toEqual([429, true]);
  expect((await ask("192.0.2.8")).status).not.toBe(429);
});

describe("while the counter is away", () => {
  const away = { take: () => Promise.reject(new Error("no counter")) };

  test("accounts are served, and it is told", async () => {
    const { via } = limited("req=1/60", { rateLimiter: away });
    api.logged.length = 0;
    const answer = await api.send("GET", "/v1/me", { via });
    expect([answer.status, answer.headers.get("RateLimit")]).toEqual([200, null]);
    expect(api.logged.map(({ event }) => event)).toContain("rate_limiter_failed");
  });

  test("nobody signs in, and no credential is tried", async () => {
    const { via } = limited("req=1/60", { rateLimiter: away });
    const ask = (path: string, key: string | null) =>
      api.send("POST", path, { via, headers: { Authorization: key && `Bearer ${key}` } });
    expect((await ask("/v1/auth/token", null)).status).toBe(503);
    expect((await ask("/v1/jobs", "ek_000000000000_x")).status).toBe(503);
  });
});

test("buckets that are full again are forgotten", () => {
  const limiter = new MemoryLimiter();
  const take = (owner: number, nowMs: number) =>
    limiter.takeNow({ owner: String(owner), bucket: "req", cost: 1, limit: 1, windowSeconds: 60 }, nowMs);
  for (let owner = 0; owner <= 10_000; owner++) take(owner, 0);
  for (let owner = 0; owner <= 10_100; owner++) take(20_000 + owner, 200_000);
  expect(limiter.size).toBeLessThan(11_000);
});

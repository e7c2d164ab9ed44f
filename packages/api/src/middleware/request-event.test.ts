import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@earshot/shared/db/database";
import { bodyOf, startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";
import { createApp } from "../app.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(() => void (api.logged.length = 0));

test("a request is one event, with its route's pattern and without what is private", async () => {
  const json = { input: { url: "https://example.com/private.wav?token=hush" }, tasks: ["audio.features"] };
  const { id } = await bodyOf(await api.send("POST", "/v1/jobs", { json }));
  await api.send("GET", `/v1/jobs/${id}?wait=0`, { headers: { "X-Request-Id": "from-the-caller" } });
  await api.send("GET", "/v1/nothing?secret=hush");
  await api.send("GET", "/nothing");
  const events = api.logged.filter(({ event }) => event === "request");
  expect(events).toMatchObject([
    { method: "POST", route: "/v1/jobs", status: 202, job_id: id, account_id: api.caller.accountId },
    { method: "GET", route: "/v1/jobs/:id", status: 200, request_id: "from-the-caller" },
    { route: "unmatched", status: 404, error_code: "not_found" },
    { route: "unmatched", status: 404 },
  ]);
  const text = JSON.stringify(api.logged);
  for (const secret of [api.caller.key, "hush", "private.wav"]) expect(text).not.toContain(secret);
});

test.each([
  ["GET", "/healthz", "/healthz"],
  ["GET", "/.well-known/jwks.json", "/.well-known/jwks.json"],
  ["GET", "/docs", "/docs"],
  ["GET", "/v1/auth/login", "/v1/auth/login"],
  ["POST", "/v1/auth/password", "/v1/auth/password"],
  ["GET", "/v1/auth/device", "/v1/auth/device"],
  ["POST", "/v1/auth/device/token", "/v1/auth/device/token"],
  ["POST", "/v1/boxes", "/v1/boxes"],
  ["POST", "/v1/boxes/token", "/v1/boxes/token"],
  ["PUT", "/v1/blobs/a", "/v1/blobs/*"],
  ["GET", "/v1/models/x", "/v1/models/:id"],
  ["PATCH", "/v1/me", "unmatched"],
  ["GET", "/v1/auth/nothing", "unmatched"],
] as const)("%s %s is logged as %s, to whoever it is open", async (method, path, route) => {
  await api.send(method, path, { headers: { Authorization: null } });
  expect(api.logged).toMatchObject([{ event: "request", method, route }]);
});

test("an id that could forge a line, or is too long, is replaced", async () => {
  for (const id of ["a b c d e", "x", "é".repeat(10), "x".repeat(129), '{"a":1}xx']) {
    const response = await api.send("GET", "/healthz", {
      headers: { "X-Request-Id": encodeURI(id) === id ? id : encodeURI(id) },
    });
    expect(response.headers.get("X-Request-Id")).toMatch(/^req_[0-9a-f]{24}$/);
  }
});

test("a trace goes on when it is valid, and begins here when it is not", async () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const incoming = [
    `00-${trace}-b7ad6b7169203331-01`,
    `00-${trace}-0000000000000000-01`,
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    "junk",
  ];
  for (const traceparent of incoming) await api.send("GET", "/healthz", { headers: { traceparent } });
  const [first, ...others] = api.logged.map((event) => event.trace_id);
  expect(first).toBe(trace);
  for (const other of others) expect(other).toMatch(/^(?!0{32}|0af7)[0-9a-f]{32}$/);
});

test("an error of ours is logged with its cause and told as nothing but internal", async () => {
  const readiness = () =>
    Promise.reject(new Error("the password is hunter2", { cause: new TypeError("deep inside") }));
  const response = await api.send("GET", "/readyz", { via: createApp({ ...api.deps, readiness }) });
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).not.toMatch(/hunter2|deep inside/);
  expect(JSON.parse(text)).toMatchObject({ code: "internal", detail: "Something broke on our side." });
  expect(api.logged).toMatchObject([
    {
      level: "error",
      status: 500,
      error: "Error: the password is hunter2",
      cause: { error: "TypeError: deep inside" },
    },
  ]);
});

test("while the database is away the answer says to come back, and holds no secret", async () => {
  const gone = openDatabase({ url: "postgres://user:hunter2@127.0.0.1:1/none", name: "gone" });
  const response = await api.send("GET", "/v1/me", { via: createApp({ ...api.deps, db: gone.db }) });
  const text = await response.text();
  expect(response.headers.get("Retry-After")).toBe("1");
  expect(JSON.parse(text)).toMatchObject({ status: 503, code: "unavailable" });
  expect(text + JSON.stringify(api.logged)).not.toMatch(/hunter2|select/);
  expect(text).not.toContain("ECONNREFUSED");
  await gone.close();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";
import { createApp } from "../app.ts";
import { parseOrigins } from "../cors-origins.ts";

const LISTED = "https://app.example.com";
const NOT_LISTED = [
  "https://evil.example",
  "https://app.example.com.evil.example",
  "https://evilapp.example.com",
  "http://app.example.com",
  "https://app.example.com:8443",
  "https://APP.example.com",
  "null",
];

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi({ corsOrigins: [LISTED] })));
afterAll(() => api[Symbol.asyncDispose]());

const preflight = (origin: string, path = "/v1/jobs") =>
  api.send("OPTIONS", path, {
    headers: {
      Authorization: null,
      Origin: origin,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    },
  });

const corsHeaders = ({ headers }: Response) =>
  [...headers.keys()].filter((name) => name.startsWith("access-control-"));

test("a listed origin may ask, with cookies, and read what it is told", async () => {
  const answer = await api.send("GET", "/v1/me", { headers: { Origin: LISTED } });
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(LISTED);
  expect(answer.headers.get("Access-Control-Allow-Credentials")).toBe("true");
  expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("X-Request-Id");
  expect(answer.headers.get("Vary")).toContain("Origin");
  // Where an answer is embedded, not asked for: https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test("its preflight needs no credential, refusals can be read, and the same goes for an upload", async () => {
  const allowed = await preflight(LISTED);
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get("Access-Control-Allow-Headers")).toContain("Idempotency-Key");
  const refused = await api.send("GET", "/v1/me", { headers: { Authorization: null, Origin: LISTED } });
  expect([refused.status, refused.headers.get("Access-Control-Allow-Origin")]).toEqual([401, LISTED]);
  expect((await preflight(LISTED, "/v1/blobs/x")).status).toBe(204);
});

test.for(NOT_LISTED)("%s may not", async (origin) => {
  const answer = await api.send("GET", "/v1/me", { headers: { Origin: origin } });
  expect(answer.status).toBe(200);
  expect(corsHeaders(answer)).toEqual([]);
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
  expect(answer.headers.get("Vary")).toContain("Origin");
  expect(corsHeaders(await preflight(origin))).toEqual([]);
});

test("nobody is listed where nothing is configured", async () => {
  const via = createApp({ ...api.deps, corsOrigins: [] });
  expect(corsHeaders(await api.send("GET", "/v1/me", { via, headers: { Origin: LISTED } }))).toEqual([]);
});

test("only whole origins can be listed", () => {
  expect(parseOrigins("https://a.example, http://127.0.0.1:3000")).toEqual([
    "https://a.example",
    "http://127.0.0.1:3000",
  ]);
  for (const text of ["*", "null", "a.example", "https://a.example/", "https://*.a.example/x", ""]) {
    expect(() => parseOrigins(text), text).toThrow(TypeError);
  }
});

import { Hono } from "hono";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../test/api-under-test.ts";
import { createApp } from "../app.ts";
import type { AppEnv } from "../env.ts";
import { serve } from "../serve.node.ts";
import { securityHeaders } from "./security-headers.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 4 };

/** Answers of every kind: of an account, open ones, refusals of each layer, an error of ours. */
async function answers(): Promise<Map<string, Response>> {
  const broken = createApp({ ...api.deps, readiness: () => Promise.reject(new Error("broken")) });
  const { put_url: putUrl } = await bodyOf<{ put_url: string }>(
    await api.send("POST", "/v1/uploads", { json: UPLOAD }),
  );
  const put = new URL(putUrl);
  const asked: [string, Promise<Response>][] = [
    ["200", api.send("GET", "/v1/me")],
    ["the docs", api.send("GET", "/docs")],
    ["their style", api.send("GET", "/docs/style.css")],
    ["the document", api.send("GET", "/openapi.json")],
    ["400", api.send("POST", "/v1/jobs", { json: {} })],
    ["401", api.send("GET", "/v1/me", { headers: { Authorization: null } })],
    ["404", api.send("GET", "/nothing")],
    ["405", api.send("PATCH", "/v1/me")],
    ["413", api.send("POST", "/v1/jobs", { body: "x".repeat(1024 ** 2 + 1) })],
    ["500", api.send("GET", "/readyz", { via: broken })],
    ["a blob", api.send("PUT", put.pathname + put.search, { body: "abcd" })],
  ];
  return new Map(await Promise.all(asked.map(async ([name, answer]) => [name, await answer] as const)));
}

test("every answer forbids framing, guessing and plain http, and says nothing of where one came from", async () => {
  for (const [name, { headers }] of await answers()) {
    expect(headers.get("Content-Security-Policy"), name).toMatch(
      /default-src 'none';.*frame-ancestors 'none'/,
    );
    expect(headers.get("Content-Security-Policy"), name).not.toContain("unsafe");
    expect(headers.get("Strict-Transport-Security"), name).toBe("max-age=63072000; includeSubDomains");
    expect(headers.get("X-Content-Type-Options"), name).toBe("nosniff");
    expect(headers.get("Referrer-Policy"), name).toBe("no-referrer");
    expect(headers.get("X-Frame-Options"), name).toBe("DENY");
    expect(headers.get("Cross-Origin-Resource-Policy"), name).toBe("same-origin");
    expect(headers.get("X-Request-Id"), name).not.toBeNull();
  }
});

test("no answer of an account is kept by anybody on its way", async () => {
  const kept = async (path: string) => (await api.send("GET", path)).headers.get("Cache-Control");
  expect(await kept("/v1/me")).toBe("no-store");
  // Its caller may keep it, and must ask each time whether it still holds.
  expect(await kept("/v1/jobs")).toBe("private, no-cache");
});

test("nothing tells what the server is made of", async () => {
  const server = await serve(api.app, { host: "127.0.0.1", port: 0 });
  const answer = await fetch(`http://127.0.0.1:${server.port}/healthz`);
  for (const banner of ["Server", "X-Powered-By", "Via"]) expect(answer.headers.get(banner)).toBeNull();
  await answer.text();
  await server.stop({ withinMs: 1_000 });
});

test("what something beneath says of itself goes no further", async () => {
  const app = new Hono<AppEnv>().use(securityHeaders());
  app.get("/", (c) => c.text("x", 200, { Server: "something/1.2.3", "X-Powered-By": "something" }));
  const { headers } = await app.request("/");
  for (const banner of ["Server", "X-Powered-By"]) expect(headers.get(banner)).toBeNull();
});

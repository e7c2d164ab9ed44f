import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchJson } from "./fetch-json.ts";

const ANSWERS: Record<string, [status: number, body: string]> = {
  "/good": [200, '{"a":1}'],
  "/moved": [302, ""],
  "/large": [200, JSON.stringify("x".repeat(256 * 1024))],
  "/secret": [500, "the password is hunter2"],
  "/page": [200, "<html>"],
};

let asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  const [status, body] = ANSWERS[request.url ?? ""] ?? [404, ""];
  response.writeHead(status, { Location: "/good" }).end(body);
});
let origin: string;
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test("JSON of a provider is read", async () => {
  expect(await fetchJson(`${origin}/good`)).toEqual({ a: 1 });
});

test("a redirect is not followed", async () => {
  asked = [];
  await expect(fetchJson(`${origin}/moved`)).rejects.toThrow("answered 302");
  expect(asked).toEqual(["/moved"]);
});

test.for([
  ["/large", "answered too much"],
  ["/secret", "answered 500"],
  ["/page", "not valid JSON"],
] as const)("%s is an error: %s", async ([path, message]) => {
  await expect(fetchJson(origin + path)).rejects.toThrow(message);
});

test("what a provider says with an error is not told on", async () => {
  await expect(fetchJson(`${origin}/secret`)).rejects.not.toThrow("hunter2");
});

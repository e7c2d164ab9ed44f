import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { beginDeviceLogin, waitForApproval } from "./device-login.ts";

let answers: [number, object][] = [];
let asked: unknown[] = [];
const server = createServer(async (request, response) => {
  asked.push([request.url, JSON.parse(await text(request))]);
  const [status, body] = answers.shift() ?? [500, {}];
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
let url: string;

beforeEach(async () => {
  asked = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const { signal } = new AbortController();
const error = (name: string): [number, object] => [400, { error: name, error_description: name }];
const BEGUN = {
  device_code: "d",
  user_code: "BCDF-GHJK",
  verification_uri_complete: "http://x/y",
  expires_in: 600,
  interval: 0,
};

test("a sign-in is begun with the machine's name, and asked for until somebody has approved it", async () => {
  answers = [[200, BEGUN], error("authorization_pending"), [200, { access_token: "es_x" }]];
  const begun = await beginDeviceLogin(url, "laptop", signal);
  expect(await waitForApproval(url, begun, signal)).toBe("es_x");
  expect(asked).toEqual([
    ["/v1/auth/device", { client_name: "laptop" }],
    ["/v1/auth/device/token", { device_code: "d" }],
    ["/v1/auth/device/token", { device_code: "d" }],
  ]);
});

test.for(["access_denied", "expired_token"])("%s ends the waiting", async (name) => {
  answers = [error(name)];
  await expect(waitForApproval(url, BEGUN, signal)).rejects.toMatchObject({
    code: "forbidden",
    message: name,
  });
});

test("an API that breaks ends the waiting with what it said", async () => {
  answers = [[500, { title: "Error", code: "internal", detail: "Something broke." }]];
  await expect(waitForApproval(url, BEGUN, signal)).rejects.toMatchObject({
    name: "ApiError",
    message: "Something broke.",
  });
});

import { parseIpRange } from "@earshot/shared/domain/ip-address";
import type { IpRange } from "@earshot/shared/domain/ip-address";
import { Hono } from "hono";
import { afterAll, expect, test } from "vitest";
import { clientIpBehind } from "../client-ip.node.ts";
import { clientIpAtEdge } from "../edge/client-ip.workers.ts";
import type { ClientIp } from "../deps.ts";
import type { AppEnv } from "../env.ts";
import { serve } from "../serve.node.ts";
import type { RunningServer } from "../serve.node.ts";
import { clientIp } from "./client-ip.ts";

const servers: RunningServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop({ withinMs: 1_000 }))));

function appOf(of: ClientIp) {
  const app = new Hono<AppEnv>();
  app.use(clientIp({ clientIp: of }));
  return app.get("/", (c) => c.text(String(c.var.clientIp)));
}

/** What a server behind `proxies` takes for the client of a request with these headers. */
async function seenBy(proxies: string[], headers: Record<string, string>, peer = "127.0.0.1") {
  const app = appOf(clientIpBehind(proxies.map(range)));
  const env = { incoming: { socket: { remoteAddress: peer } } };
  return (await app.request("/", { headers }, env)).text();
}

function range(text: string): IpRange {
  const parsed = parseIpRange(text);
  if (parsed === null) throw new Error(`${text} is no range`);
  return parsed;
}

test("a forwarding header changes nothing where no proxy is trusted", async () => {
  const app = appOf(clientIpBehind([]));
  const server = await serve(app as never, { host: "127.0.0.1", port: 0 });
  servers.push(server);
  for (const header of ["X-Forwarded-For", "CF-Connecting-IP", "Forwarded", "X-Real-IP", "True-Client-IP"]) {
    const response = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { [header]: "6.6.6.6" } });
    expect(await response.text(), header).toBe("127.0.0.1");
  }
});

test.for([
  ["nobody between", "203.0.113.9", {}, "203.0.113.9"],
  ["a stranger who claims to be a proxy", "203.0.113.9", { "X-Forwarded-For": "6.6.6.6" }, "203.0.113.9"],
  ["a proxy", "10.0.0.1", { "X-Forwarded-For": "203.0.113.9" }, "203.0.113.9"],
  ["a proxy on a dual-stack socket", "::ffff:10.0.0.1", { "X-Forwarded-For": "203.0.113.9" }, "203.0.113.9"],
  [
    "a client that wrote the header before the proxy did",
    "10.0.0.1",
    { "X-Forwarded-For": "6.6.6.6, 203.0.113.9" },
    "203.0.113.9",
  ],
  ["two proxies", "10.0.0.1", { "X-Forwarded-For": "6.6.6.6, 203.0.113.9,10.0.0.2" }, "203.0.113.9"],
  ["a client that names a proxy", "10.0.0.1", { "X-Forwarded-For": "10.0.0.9, 203.0.113.9" }, "203.0.113.9"],
  ["a proxy that writes ports", "10.0.0.1", { "X-Forwarded-For": "203.0.113.9:4711" }, "203.0.113.9"],
  ["IPv6 with a port", "10.0.0.1", { "X-Forwarded-For": "[2001:DB8::1]:4711" }, "2001:db8::1"],
  ["a header of no addresses", "10.0.0.1", { "X-Forwarded-For": "203.0.113.9, unknown" }, "10.0.0.1"],
  ["a proxy that says nothing", "10.0.0.1", {}, "10.0.0.1"],
  ["proxies alone", "10.0.0.1", { "X-Forwarded-For": "10.0.0.3, 10.0.0.2" }, "10.0.0.3"],
] as const)("the client behind %s", async ([, peer, headers, client]) => {
  expect(await seenBy(["10.0.0.0/8"], headers, peer)).toBe(client);
});

test("nobody says where a request without a connection comes from", async () => {
  expect(await (await appOf(clientIpBehind([])).request("/")).text()).toBe("null");
});

test("at the edge only Cloudflare's own header counts", async () => {
  const seen = async (headers: Record<string, string>) =>
    (await appOf(clientIpAtEdge).request("/", { headers })).text();
  const spoofed = { "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", Forwarded: "for=6.6.6.6" };
  expect(await seen({ ...spoofed, "CF-Connecting-IP": "203.0.113.9" })).toBe("203.0.113.9");
  expect(await seen(spoofed)).toBe("null");
});

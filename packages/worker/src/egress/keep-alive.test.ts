import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { until } from "@earshot/testkit/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import { guardedRequest } from "./guarded-request.ts";
import { createAgents } from "./keep-alive.ts";
import type { Agents } from "./keep-alive.ts";

const server = createServer((request, response) => request.resume().on("end", () => response.end("ok")));
const sockets = new Set<Socket>();
let connections = 0;
server.on("connection", (socket: Socket) => {
  connections += 1;
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});

let agents: Agents;
beforeEach(async () => {
  connections = 0;
  agents = createAgents();
  server.listen(0);
  await once(server, "listening");
});
afterEach(async () => {
  agents.close();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

/** To a name that resolves to these addresses at this moment. */
async function post(addresses: string[]): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const { body } = await guardedRequest(`http://hooks.example.com:${port}/`, {
    method: "POST",
    body: "x",
    policy: { allowLoopback: true },
    signal: AbortSignal.timeout(5_000),
    resolve: async () => addresses,
    agents,
  });
  return text(body);
}

test("a connection is kept for the next request to the same addresses", async () => {
  for (let sent = 0; sent < 5; sent++) expect(await post(["127.0.0.1"])).toBe("ok");
  expect(connections).toBe(1);
});

test("a kept connection is not used once the name has other addresses", async () => {
  await post(["127.0.0.1"]);
  await post(["127.0.0.2"]);
  expect(connections).toBe(2);
  await post(["127.0.0.2"]);
  expect(connections).toBe(2);
});

test("a kept connection is of no use to a name whose new address is refused", async () => {
  await post(["127.0.0.1"]);
  await expect(post(["127.0.0.1", "10.0.0.1"])).rejects.toMatchObject({ code: "input_forbidden" });
  expect(connections).toBe(1);
});

test("a kept connection that the far side has cut costs the request nothing", async () => {
  await post(["127.0.0.1"]);
  // The client learns of it only when it writes, or at the same time.
  for (const socket of sockets) socket.resetAndDestroy();
  expect(await post(["127.0.0.1"])).toBe("ok");
  expect(connections).toBe(2);
});

test("closing cuts what is kept", async () => {
  await post(["127.0.0.1"]);
  expect(sockets.size).toBe(1);
  agents.close();
  await until(() => sockets.size === 0, { describe: "no connection" });
});

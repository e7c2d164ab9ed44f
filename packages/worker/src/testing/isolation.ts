import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLog } from "@earshot/shared/log";
import { openTestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { expect } from "vitest";
import { createDeliverer } from "../deliver.ts";
import { addEndpoint, announceAll } from "./endpoints.ts";

const ENDPOINTS = 50;
const SICK_OF_A_KIND = 5;

type Health = "healthy" | "hangs" | "resets" | "fails";

/** A server that is fifty receivers: the path says which, and how it behaves. */
async function startReceivers() {
  /** Events in the order of their arrival, by receiver. */
  const arrived = new Map<string, string[]>();
  /** What was asked of those that hang: not one of them was ever answered. */
  const hanging = { now: 0, most: 0, ended: 0 };
  const server = createServer((request, response) => {
    const [, health = "", name = ""] = (request.url ?? "").split("/");
    request.resume().on("end", () => {
      if (health === "fails") return void response.writeHead(500).end("no");
      if (health === "resets") return void request.socket.resetAndDestroy();
      if (health === "hangs") {
        hanging.now += 1;
        hanging.most = Math.max(hanging.most, hanging.now);
        response.on("close", () => {
          hanging.now -= 1;
          hanging.ended += 1;
        });
        return;
      }
      arrived.set(name, [...(arrived.get(name) ?? []), String(request.headers["webhook-id"])]);
      response.end("ok");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    arrived,
    hanging,
    urlOf: (health: Health, n: number) => `http://127.0.0.1:${port}/${health}/${n}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function healthOf(n: number): Health {
  if (n < SICK_OF_A_KIND) return "hangs";
  if (n < 2 * SICK_OF_A_KIND) return "resets";
  return n < 3 * SICK_OF_A_KIND ? "fails" : "healthy";
}

/**
 * Fifty endpoints, of which five hang, five cut the connection and five answer 500, and `count` events for each of them. Passes when
 * the healthy ones have all got theirs, each once, before the first attempt at one that hangs has ended: none waited for it.
 */
export async function showIsolation(count: number, timeoutMs: number): Promise<void> {
  await using rooms = await openTestRooms({ connections: 8 });
  const receivers = await startReceivers();
  const endpoints: { id: string; url: string }[] = [];
  for (let n = 0; n < ENDPOINTS; n++)
    endpoints.push(await addEndpoint(rooms, { url: receivers.urlOf(healthOf(n), n) }));
  await announceAll(rooms, endpoints, count);

  const draining = new AbortController();
  const deliverer = createDeliverer({
    db: rooms.deliver,
    listen: async () => {},
    sealKeys: rooms.sealKeys,
    policy: { allowLoopback: true },
    log: silentLog,
    random: () => 0.5,
    // Longer than the test: what waits for one of these waits for ever.
    timeoutMs: 10 * timeoutMs,
    leaseSeconds: 36_000,
    graceMs: 0,
  });
  const run = deliverer.run(draining.signal);
  const healthy = ENDPOINTS - 3 * SICK_OF_A_KIND;
  const total = () => [...receivers.arrived.values()].reduce((sum, ids) => sum + ids.length, 0);
  try {
    await until(() => total() >= healthy * count, { timeoutMs, describe: `${healthy * count} arrivals` });
    expect(receivers.hanging).toEqual({ now: SICK_OF_A_KIND, most: SICK_OF_A_KIND, ended: 0 });
    expect(receivers.arrived.size).toBe(healthy);
    for (const ids of receivers.arrived.values()) {
      expect(ids).toHaveLength(count);
      expect(new Set(ids).size).toBe(count);
    }
    const [counted] = await rooms.owner`
      select count(*) filter (where e.url like '%/fails/%')::int as failed,
        count(*) filter (where e.url like '%/resets/%')::int as reset
      from delivery_attempts a join webhook_endpoints e on e.id = a.endpoint_id where a.status_code is distinct from 200`;
    // The sick ones had their turns, too.
    expect(counted?.["failed"]).toBeGreaterThan(0);
    expect(counted?.["reset"]).toBeGreaterThan(0);
  } finally {
    draining.abort();
    await run;
    await receivers.stop();
  }
}

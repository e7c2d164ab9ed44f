import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { expect } from "vitest";
import { addEndpoint, announceAll } from "./endpoints.ts";

const MAIN = fileURLToPath(new URL("../deliver.main.ts", import.meta.url));
const ENDPOINTS = 4;

async function startDeliverer(rooms: TestRooms, home: string): Promise<ChildProcess> {
  const [{ id, key }] = rooms.sealKeys;
  const child = fork(MAIN, {
    silent: true,
    env: {
      PATH: process.env["PATH"],
      EARSHOT_DATABASE_URL: rooms.urls.deliver,
      EARSHOT_SEAL_KEYS: `${id}:${toBase64(key)}`,
      EARSHOT_BLOBS: pathToFileURL(home).href,
      EARSHOT_ALLOW_LOOPBACK: "1",
    },
  });
  child.stdout?.resume();
  child.stderr?.resume();
  await once(child, "message");
  return child;
}

/**
 * Kills the deliverer `kills` times while it sends `count` deliveries. Passes when each has arrived, and more than once only
 * what was under way when it was killed, under the same id.
 */
export async function showNothingIsLost(count: number, kills: number, timeoutMs: number): Promise<void> {
  await using rooms = await openTestRooms();
  const home = await mkdtemp(join(tmpdir(), "earshot-deliver-kills-"));
  const arrivals = new Map<string, number>();
  let total = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const delivery = `${request.headers["webhook-id"]} ${request.url}`;
      arrivals.set(delivery, (arrivals.get(delivery) ?? 0) + 1);
      total += 1;
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const endpoints: { id: string; url: string }[] = [];
  for (let n = 0; n < ENDPOINTS; n++)
    endpoints.push(await addEndpoint(rooms, { url: `http://127.0.0.1:${port}/${n}` }));
  await announceAll(rooms, endpoints, count / ENDPOINTS);

  /** How often each delivery was under way when the deliverer was killed. */
  const cut = new Map<string, number>();
  let child = await startDeliverer(rooms, home);
  try {
    for (let killed = 0; killed < kills; killed++) {
      const enough = Math.floor(((killed + 1) * count) / (kills + 1));
      await until(() => total >= enough, { timeoutMs, describe: `${enough} arrivals` });
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
      const leased = await rooms.owner<{ delivery: string }[]>`
        select event_id || ' /' || right(url, 1) as delivery from deliveries where lease_token is not null`;
      for (const { delivery } of leased) cut.set(delivery, (cut.get(delivery) ?? 0) + 1);
      // As if the leases had run out.
      await rooms.owner`update deliveries set next_attempt_at = now() where lease_token is not null`;
      child = await startDeliverer(rooms, home);
    }
    const open = () => rooms.owner`select 1 from deliveries where status = 'pending' limit 1`;
    await until(async () => (await open()).length === 0, { timeoutMs, describe: "every delivery has ended" });
  } finally {
    child.kill("SIGKILL");
    server.closeAllConnections();
    server.close();
    await rm(home, { recursive: true });
  }
  expect(arrivals.size).toBe(count);
  const repeated = [...arrivals].filter(([, times]) => times > 1);
  for (const [delivery, times] of repeated)
    expect(times, delivery).toBeLessThanOrEqual(1 + (cut.get(delivery) ?? 0));
  const attempts = await rooms.owner`select status_code from delivery_attempts where status_code <> 200`;
  expect(attempts).toEqual([]);
}

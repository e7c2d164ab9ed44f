import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { silentLog } from "@earshot/shared/log";
import { openTestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { createDeliverer } from "./deliver.ts";
import { addEndpoint } from "./testing/endpoints.ts";

const README = join(import.meta.dirname, "../../../README.md");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.destroy();
  }
}

test("the README's receiver takes what the deliverer sends, once, and refuses what is forged", async () => {
  const section = (await readFile(README, "utf8")).split("\n## Webhooks\n")[1]?.split("\n## ")[0] ?? "";
  const [, code = ""] = /```js\n([\s\S]*?)```/.exec(section) ?? [];
  await using rooms = await openTestRooms();
  const directory = await mkdtemp(join(tmpdir(), "earshot-receiver-"));
  const file = join(directory, "receiver.mjs");
  await writeFile(file, code);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const endpoint = await addEndpoint(rooms, { url });
  const receiver = spawn(process.execPath, [file], {
    env: { WEBHOOK_SECRET: endpoint.secret, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  receiver.stdout.on("data", (chunk) => void (printed += String(chunk)));
  const draining = new AbortController();
  let ring = () => {};
  const deliverer = createDeliverer({
    db: rooms.deliver,
    listen: async (wake) => void (ring = wake),
    sealKeys: rooms.sealKeys,
    policy: { allowLoopback: true },
    log: silentLog,
    random: Math.random,
    graceMs: 0,
  });
  const succeeded = async (count: number) =>
    (await rooms.owner`select 1 from deliveries where status = 'succeeded'`).length === count;
  let run = Promise.resolve();
  try {
    await until(() => isListening(port), { timeoutMs: 30_000, describe: "the receiver" });
    run = deliverer.run(draining.signal);
    const { id } = await rooms.submit();
    await cancelJob(rooms.api, rooms.accountId, id);
    ring();
    await until(() => succeeded(1), { describe: "the delivery" });
    await rooms.owner`update deliveries set status = 'pending', next_attempt_at = now(), finished_at = null`;
    ring();
    await until(async () => (await rooms.owner`select 1 from delivery_attempts`).length === 2, {
      describe: "the same once more",
    });
    await until(() => succeeded(1), { describe: "its end" });
    expect(printed).toBe(`job.canceled ${id}\n`);
    const now = String(Math.floor(Date.now() / 1_000));
    const signature = `v1,${Buffer.alloc(32).toString("base64")}`;
    const headers = { "webhook-id": "evt_1", "webhook-timestamp": now, "webhook-signature": signature };
    const forged = await fetch(url, { method: "POST", body: "{}", headers });
    const bare = await fetch(url, { method: "POST", body: "{}" });
    expect([forged.status, bare.status]).toEqual([400, 400]);
  } finally {
    draining.abort();
    await run;
    receiver.kill("SIGKILL");
    await rm(directory, { recursive: true });
  }
});

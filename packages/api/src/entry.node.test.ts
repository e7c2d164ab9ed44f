import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newSealKey } from "@earshot/shared/crypto/seal";
import { createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { scrape } from "@earshot/testkit/metrics";
import { bodyOf } from "../test/api-under-test.ts";

const ENTRY = fileURLToPath(new URL("./entry.node.ts", import.meta.url));

let database: TestDatabase;
let blobs: string;
beforeAll(async () => {
  database = await createTestDatabase();
  blobs = await mkdtemp(join(tmpdir(), "earshot-test-blobs-"));
});
afterAll(async () => {
  await database.drop();
  await rm(blobs, { recursive: true, force: true });
});

function startEntry(env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [ENTRY], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: {
      EARSHOT_PORT: "0",
      EARSHOT_DATABASE_URL: database.urls.api,
      EARSHOT_QUEUE_URL: "http://127.0.0.1:9/000000000000/jobs",
      EARSHOT_QUEUE_ENDPOINT: "http://127.0.0.1:9",
      EARSHOT_BLOBS: pathToFileURL(blobs).href,
      EARSHOT_SEAL_KEYS: newSealKey("k1"),
      EARSHOT_URL_KEY: `${"A".repeat(43)}=`,
      ...env,
    },
  });
}

async function portOf(child: ChildProcess): Promise<number> {
  const [message] = await once(child, "message");
  expect(message).toEqual({ ready: true, port: expect.any(Number) });
  return message.port;
}

async function errorsOf({ stderr }: ChildProcess): Promise<string> {
  return stderr === null ? "" : text(stderr);
}

test("it says when it is ready, serves, and one Ctrl-C that comes twice ends it well", async () => {
  const child = startEntry();
  const port = await portOf(child);
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(await bodyOf(response)).toEqual({ status: "ready", database: "up", migrations: "current" });
  const exited = once(child, "exit");
  child.kill("SIGINT");
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("it goes when its parent goes", async () => {
  const child = startEntry();
  await portOf(child);
  const exited = once(child, "exit");
  child.disconnect();
  expect(await exited).toEqual([0, null]);
});

test("a taken port and a missing setting are one line each, and status 3", async () => {
  const first = startEntry();
  const port = await portOf(first);
  const failures = [startEntry({ EARSHOT_PORT: String(port) }), startEntry({ EARSHOT_QUEUE_URL: "" })];
  const [taken, unset] = await Promise.all(
    failures.map(async (child) => {
      const [[status], told] = await Promise.all([once(child, "exit"), errorsOf(child)]);
      return { status, told };
    }),
  );
  expect(taken).toMatchObject({
    status: 3,
    told: expect.stringMatching(new RegExp(`^port ${port} is taken.*\n$`)),
  });
  expect(unset).toMatchObject({
    status: 3,
    told: expect.stringMatching(/^the configuration.*EARSHOT_QUEUE_URL.*\n$/),
  });
  first.kill("SIGTERM");
  await once(first, "exit");
});

test("on its own port it counts requests by the route's pattern, and no id becomes a label", async () => {
  const child = startEntry({ EARSHOT_METRICS_PORT: "0" });
  const [{ port, metricsPort }] = await once(child, "message");
  await fetch(`http://127.0.0.1:${port}/healthz`);
  await fetch(`http://127.0.0.1:${port}/v1/jobs/job_secret`);
  const metrics = await scrape(`http://127.0.0.1:${metricsPort}`);
  const counted = (route: string, status: string) =>
    metrics.value("earshot_http_requests_total", { method: "GET", route, status });
  expect(counted("/healthz", "200")).toBe(1);
  expect(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).not.toContain("job_secret");
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

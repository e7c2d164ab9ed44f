import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFreePort } from "../stack/postgres-port.ts";
import { jsonLines, runCli } from "./testing/run-cli.ts";

const home = { EARSHOT_HOME: join(tmpdir(), "earshot-doctor-home") };

test("a machine that has everything is well", async () => {
  const run = await runCli(["doctor", "--json"], {
    env: { ...home, EARSHOT_PORT: String(await findFreePort()) },
  });
  expect(jsonLines(run)).toMatchObject([{ ok: true }]);
  expect(run.status).toBe(0);
});

test("what is missing is named, with what to do, and the status is 3", async () => {
  const stranger = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const { port } = stranger.address() as AddressInfo;
  const env = { ...home, PATH: "/nowhere", EARSHOT_PORT: String(port) };
  const run = await runCli(["doctor", "--json"], { env });
  stranger.close();
  expect(run.status).toBe(3);
  const [report] = jsonLines(run) as [
    { ok: boolean; checks: { name: string; state: string; advice?: string }[] },
  ];
  expect(report.ok).toBe(false);
  expect(report.checks.filter(({ state }) => state === "missing")).toMatchObject([
    { name: "ffmpeg", advice: expect.stringContaining("apt-get install ffmpeg") },
    { name: "port", advice: `Choose another one: EARSHOT_PORT=${port + 1}` },
  ]);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homeAt, makeHome } from "./home.ts";
import type { Home } from "./home.ts";
import { lockHome } from "./lock.ts";
import { identifyProcess } from "./process-identity.ts";

const URL_OF_API = "http://127.0.0.1:1";

let directory: string;
let home: Home;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-lock-"));
  home = homeAt(directory);
  await makeHome(home);
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test("a lock that is held names its holder, and is free again when that lets go", async () => {
  const lock = await lockHome(home, URL_OF_API);
  await expect(lockHome(home, URL_OF_API)).rejects.toThrow(`process ${process.pid}, at ${URL_OF_API}`);
  await lock[Symbol.asyncDispose]();
  await (await lockHome(home, URL_OF_API))[Symbol.asyncDispose]();
  expect((await readdir(directory)).filter((name) => name.startsWith("lock"))).toEqual([]);
});

test("the lock of a process that has died is taken over", async () => {
  const dead = spawn("sleep", ["60"]);
  const identity = await identifyProcess(dead.pid ?? 0);
  dead.kill("SIGKILL");
  await once(dead, "exit");
  await writeFile(home.lockFile, JSON.stringify({ ...identity, url: URL_OF_API }));
  await using _lock = await lockHome(home, URL_OF_API);
  expect(await readFile(home.lockFile, "utf8")).toContain(`"pid":${process.pid}`);
});

test.runIf(process.platform === "linux")(
  "a live process that only has the holder's number does not count",
  async () => {
    await writeFile(home.lockFile, JSON.stringify({ pid: process.pid, startedAt: "1", url: URL_OF_API }));
    await using _lock = await lockHome(home, URL_OF_API);
    expect(await readFile(home.lockFile, "utf8")).not.toContain('"startedAt":"1"');
  },
);

test("of many who take over one stale lock at once, one gets it", async () => {
  await writeFile(home.lockFile, "half a lo");
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(home, URL_OF_API)));
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

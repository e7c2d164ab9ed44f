import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homeAt, makeHome } from "./home.ts";
import type { Home } from "./home.ts";
import { rememberProcess, stopLeftovers } from "./leftovers.ts";

let directory: string;
let home: Home;
let child: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-leftovers-"));
  home = homeAt(directory);
  await makeHome(home);
  child = spawn("sleep", ["60"]);
});

afterEach(async () => {
  child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

const never = new AbortController().signal;

test("a remembered process is told to stop, and is gone when this resolves", async () => {
  await rememberProcess(home, "worker", child.pid ?? 0);
  const exited = once(child, "exit");
  await stopLeftovers(home, never);
  expect(await exited).toEqual([null, "SIGTERM"]);
  expect(await readdir(home.processes)).toEqual([]);
});

test.runIf(process.platform === "linux")("a process that only has its number is left alone", async () => {
  await writeFile(join(home.processes, "worker"), JSON.stringify({ pid: child.pid, startedAt: "1" }));
  await writeFile(join(home.processes, "api"), "half a fi");
  await stopLeftovers(home, never);
  expect(child.kill(0)).toBe(true);
  expect(await readdir(home.processes)).toEqual([]);
});

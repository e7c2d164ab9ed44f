import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askWorkers, openStatusSocket } from "./status-socket.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "earshot-test-socket-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const open = (name: string, describe = async (): Promise<unknown> => ({ name }), log = silentLog) =>
  openStatusSocket({ home, name, describe, log });

test("each worker of a home says what it is, to nobody but its owner", async () => {
  await using _one = await open("one");
  await using _two = await open("two");
  const answers = await askWorkers(home);
  expect(answers.map((answer) => "said" in answer && answer.said)).toEqual([
    { name: "one" },
    { name: "two" },
  ]);
  expect((await stat(join(home, "run"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(home, "run", "worker-one.sock"))).mode & 0o777).toBe(0o600);
});

test("one that closes is gone, and a home without any has no answers", async () => {
  const one = await open("one");
  await one[Symbol.asyncDispose]();
  expect(await askWorkers(home)).toEqual([]);
  expect(await askWorkers(join(home, "nowhere"))).toEqual([]);
});

test("what a worker that was killed left behind is removed by the next", async () => {
  await using _one = await open("one");
  await writeFile(join(home, "run", "worker-dead.sock"), "");
  await using _two = await open("two");
  expect((await readdir(join(home, "run"))).toSorted()).toEqual(["worker-one.sock", "worker-two.sock"]);
});

test("one that can't tell is an answer of its own, and says why in its log", async () => {
  const warn = vi.fn();
  await using _one = await open("one", () => Promise.reject(new Error("no")), { ...silentLog, warn });
  expect(await askWorkers(home)).toEqual([
    { socket: expect.stringContaining("worker-one"), error: expect.any(String) },
  ]);
  expect(warn).toHaveBeenCalledWith("status_failed", expect.anything());
});

test("where no socket can be, a worker goes without one and its log says so", async () => {
  const warn = vi.fn();
  await using _one = await openStatusSocket({
    home: join(home, "x".repeat(120)),
    name: "one",
    describe: async () => null,
    log: { ...silentLog, warn },
  });
  expect(warn).toHaveBeenCalledWith(
    "status_not_served",
    expect.objectContaining({ error: expect.stringContaining("too long") }),
  );
});

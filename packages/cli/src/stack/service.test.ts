import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLog } from "@earshot/shared/log";
import { expectNoProcess, findProcesses } from "@earshot/testkit/processes";
import { until } from "@earshot/testkit/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homeAt, makeHome } from "./home.ts";
import type { Home } from "./home.ts";
import { lastLineOf, logFileOf } from "./log-file.ts";
import type { ServiceSpec } from "./service-process.ts";
import { Service, startTogether } from "./service.ts";

let directory: string;
let home: Home;
let notices: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-service-"));
  home = homeAt(join(directory, "home"));
  await makeHome(home);
  notices = [];
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const never = new AbortController().signal;

function fragile(behaviour: string, name = "fragile"): ServiceSpec {
  const main = fileURLToPath(new URL("testing/fragile.main.ts", import.meta.url));
  return { name, main, args: [behaviour, home.directory], env: { ONLY: "this" }, stopWithinMs: 300 };
}

function start(spec: ServiceSpec, signal = never): Promise<Service> {
  return Service.start(spec, context(), signal);
}

function context() {
  return {
    home,
    output: "file",
    log: silentLog,
    onNotice: (notice: string) => void notices.push(notice),
  } as const;
}

async function ownProcesses() {
  return (await findProcesses()).filter(({ command }) => command.includes(home.directory));
}

async function onePid(): Promise<number> {
  const [found] = await until(async () => (await ownProcesses()).length === 1 && ownProcesses(), {
    describe: "one process",
  });
  return found?.pid ?? 0;
}

test("a service that is killed is started again and told of, until it is stopped", async () => {
  const service = await start(fragile("obeys"));
  const first = await onePid();
  expect(service.ready).toEqual({ pid: first });
  process.kill(first, "SIGKILL");
  const second = await until(async () => (await onePid()) !== first && onePid(), {
    describe: "another process",
  });
  expect(notices).toEqual(["fragile ended with SIGKILL and is started again"]);
  expect(await readdir(home.processes)).toEqual(["fragile"]);
  await service.stop();
  expect(second).not.toBe(first);
  await expectNoProcess(ownProcesses);
  expect(await readdir(home.processes)).toEqual([]);
});

test("a stop while it is being started again leaves nothing", async () => {
  const service = await start(fragile("obeys"));
  process.kill(await onePid(), "SIGKILL");
  await until(() => notices.length === 1, { describe: "its death" });
  await service.stop();
  await expectNoProcess(ownProcesses);
});

test("one that ignores SIGTERM is killed when its time is over", async () => {
  const service = await start(fragile("stubborn"));
  await service.stop();
  await expectNoProcess(ownProcesses);
});

test("it gets the environment it was given and no more, and writes to its own log", async () => {
  const service = await start(fragile("obeys"));
  await service.stop();
  const { names } = JSON.parse(await readFile(logFileOf(home, "fragile"), "utf8")) as { names: string[] };
  expect(names.filter((name) => !name.startsWith("NODE_CHANNEL"))).toEqual(["ONLY"]);
});

test("one that does not start is told by its name, and its last words are in its log", async () => {
  await expect(start(fragile("fails"))).rejects.toThrow("fragile ended with status 7.");
  expect(await lastLineOf(home, "fragile")).toBe("I have no reason to live");
});

test("when one of several does not start, none runs", async () => {
  const specs = [fragile("obeys", "one"), fragile("fails", "two"), fragile("obeys", "three")] as const;
  await expect(startTogether(specs, context(), never)).rejects.toThrow("two ended with status 7.");
  await expectNoProcess(ownProcesses);
});

test("an abort while it starts ends it", async () => {
  const abort = new AbortController();
  const starting = start(fragile("silent"), abort.signal);
  await onePid();
  abort.abort(new Error("enough"));
  await expect(starting).rejects.toThrow("enough");
  await expectNoProcess(ownProcesses);
});

import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { spawnChild } from "./child.ts";
import { runChild } from "./run-child.ts";
import { bareSandbox, confine, detectSandbox } from "./sandbox.ts";
import type { Sandbox } from "./sandbox.ts";
import { createCorpus, processesOf } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

const LIMITS = { addressSpaceBytes: 512 * 1024 ** 2, cpuSeconds: 7 };
const isRoot = process.getuid?.() === 0;

let corpus: Corpus;
let sandbox: Sandbox;

beforeAll(async () => {
  corpus = await createCorpus();
  sandbox = await detectSandbox();
});
afterAll(() => corpus[Symbol.asyncDispose]());

function sh(
  script: string,
  options: { timeoutMs?: number; maxStdoutBytes?: number; signal?: AbortSignal } = {},
) {
  return runChild(sandbox, {
    command: ["sh", "-c", script],
    limits: LIMITS,
    timeoutMs: 20_000,
    maxStdoutBytes: 64 * 1024,
    signal: new AbortController().signal,
    ...options,
  });
}

test("a child's environment is a path and a language", async () => {
  vi.stubEnv("EARSHOT_TEST_SECRET", "not for children");
  const { stdout } = await sh("env");
  vi.unstubAllEnvs();
  const names = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("=")[0]);
  // A shell sets PWD and its like itself.
  expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name ?? "")).toSorted()).toEqual([
    "LANG",
    "PATH",
  ]);
});

test("a child's address space, CPU time and core dumps are limited", async ({ skip }) => {
  if (!sandbox.hasLimits) skip();
  const { stdout } = await sh("ulimit -v; ulimit -t; ulimit -c");
  expect(stdout.trim().split("\n")).toEqual([String(LIMITS.addressSpaceBytes / 1024), "7", "0"]);
});

test.each([
  ["a network namespace", "isolatesNetwork", ["unshare", process.getuid?.() === 0 ? "-n" : "-rn", "true"]],
  ["limits", "hasLimits", ["prlimit", "--as=4294967296", "true"]],
  ["the death signal", "diesWithParent", ["setpriv", "--pdeathsig", "KILL", "true"]],
] as const)("%s is used wherever the kernel allows it", (_, property, [program, ...args]) => {
  const isAllowed = spawnSync(program, args).status === 0;
  if (isAllowed) expect(sandbox[property]).toBe(true);
});

test("a child sees no network interface but its own loopback", async ({ skip }) => {
  if (!sandbox.isolatesNetwork) skip();
  const { stdout } = await sh("cat /proc/net/dev");
  const interfaces = stdout.split("\n").flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []);
  expect(interfaces.filter((name) => name !== "lo")).toEqual([]);
});

test("a child leads a group and a session of its own", async () => {
  const { stdout } = await sh("ps -o pid=,pgid=,sess= -p $$");
  expect(new Set(stdout.trim().split(/\s+/)).size).toBe(1);
});

test("under root a child reads what anybody owns and writes nothing of root's", async ({ skip }) => {
  if (!isRoot || !sandbox.privileges.includes("--reuid=65534")) skip();
  const file = corpus.path("private/theirs");
  await mkdir(dirname(file));
  await writeFile(file, "readable");
  await chmod(file, 0o600);
  await chown(file, 12_345, 12_345);
  expect((await sh(`cat ${file}`)).stdout).toBe("readable");
  const roots = await corpus.write("roots", "untouched");
  expect((await sh(`echo spoiled > ${roots}`)).outcome).toBe("failed");
  expect(await readFile(roots, "utf8")).toBe("untouched");
});

test("stdin is empty", async () => {
  expect(await sh("cat")).toMatchObject({ stdout: "", outcome: "succeeded" });
});

test("a child that runs into its deadline is killed with everything it started", async () => {
  const run = await sh("sleep 98761 & sleep 98761", { timeoutMs: 300 });
  expect(run.outcome).toBe("deadline");
  expect(await processesOf("sleep 98761")).toEqual([]);
});

test("an abort kills the child and rejects with the reason", async () => {
  const control = new AbortController();
  const running = sh("sleep 98762", { signal: control.signal });
  await vi.waitFor(async () => expect(await processesOf("sleep 98762")).not.toEqual([]));
  control.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  expect(await processesOf("sleep 98762")).toEqual([]);
});

test("a child that floods its output is killed", async () => {
  expect(await sh("exec yes", { maxStdoutBytes: 100_000 })).toMatchObject({ outcome: "flood", stdout: "" });
});

test("of a long complaint the end is kept", async () => {
  const { stderr, outcome } = await sh("yes | head -c 1000000 >&2; echo the end >&2; exit 3");
  expect(outcome).toBe("failed");
  expect(stderr.endsWith("the end")).toBe(true);
  expect(stderr.length).toBeLessThanOrEqual(4_096);
});

test("killing a child that has ended does nothing", async () => {
  const child = spawnChild(sandbox, { command: ["true"], pipes: 1, limits: LIMITS });
  for (const pipe of child.pipes) pipe.resume();
  expect(await child.exited).toMatchObject({ code: 0, signal: null });
  await child.kill();
});

test("a machine without the tools gets the bare sandbox", async () => {
  expect(await detectSandbox({ searchPath: corpus.path("") })).toEqual(bareSandbox(corpus.path("")));
  expect(confine(bareSandbox(), LIMITS, ["ffmpeg", "-version"])).toEqual(["ffmpeg", "-version"]);
});

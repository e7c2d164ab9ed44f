import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLog } from "@earshot/shared/log";
import { afterEach, expect, test, vi } from "vitest";
import { residentMb } from "../input/testing/memory-watch.ts";
import { MEMORY_CASES } from "../testing/memory-cases.ts";
import { createLanes } from "./lanes.ts";
import type { Lanes, LanesOptions } from "./lanes.ts";
import { createRegistry } from "./registry.ts";

const MODEL = "silero_vad";
const NOTES_MODEL = "basic_pitch_nmp";
const WIDTH = 576;
const never = new AbortController().signal;

const opened: Lanes[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((lanes) => lanes.close()));
});

async function open(options: Partial<LanesOptions> = {}): Promise<Lanes> {
  const lanes = await createLanes({
    count: 1,
    threads: 1,
    device: "cpu",
    registry: createRegistry(),
    log: silentLog,
    ...options,
  });
  opened.push(lanes);
  return lanes;
}

/** Rows of a quiet sine: any input will do. */
function steps(count: number) {
  const rows = Float32Array.from({ length: count * WIDTH }, (_, i) => 0.1 * Math.sin(i / 5));
  return { rows, state: new Float32Array(256) };
}

/** So many steps that they are still running when the test goes on. */
const long = steps(6_000);

function isAlive(pid: number): boolean {
  try {
    // An orphan whose new parent does not reap it has still ended.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return existsSync("/proc") ? false : process.kill(pid, 0);
  }
}

/** Once this resolves, calls that were made before have been handed to their lanes. */
const handedOver = () => new Promise((resolve) => setImmediate(resolve));

test("a stream that is scanned in parts, on any lane, gives what one scan gives", async () => {
  const lanes = await open({ count: 2 });
  const { rows, state } = steps(6);
  const whole = await lanes.scan(MODEL, { rows, state }, never);
  const first = await lanes.scan(MODEL, { rows: rows.subarray(0, 4 * WIDTH), state }, never);
  const second = await lanes.scan(MODEL, { rows: rows.subarray(4 * WIDTH), state: first.state }, never);
  expect([...first.outputs, ...second.outputs]).toEqual([...whole.outputs]);
  expect(second.state).toEqual(whole.state);
});

test("one run takes named tensors, and the manifest's constants are filled in", async () => {
  const lanes = await open();
  const { rows, state } = steps(1);
  const { output, stateN } = await lanes.run(
    MODEL,
    { input: { data: rows, dims: [1, WIDTH] }, state: { data: state, dims: [2, 1, 128] } },
    never,
  );
  const scanned = await lanes.scan(MODEL, { rows, state }, never);
  expect(output).toEqual({ data: scanned.outputs, dims: [1, 1] });
  expect(stateN?.dims).toEqual([2, 1, 128]);
});

test("a loaded model tells who it is", async () => {
  const lanes = await open();
  expect(await lanes.load(MODEL, never)).toEqual({ model: MODEL, version: "6.2", device: "cpu" });
});

test("an abort rejects a running call with its reason, and another lane takes the next call", async () => {
  const lanes = await open({ preload: [MODEL], batch: { abandonedMs: 0 } });
  const [pid = 0] = lanes.pids;
  const job = new AbortController();
  const running = lanes.scan(MODEL, long, job.signal);
  await handedOver();
  job.abort(new Error("canceled"));
  await expect(running).rejects.toThrow("canceled");
  await expect(lanes.scan(MODEL, steps(1), never)).resolves.toMatchObject({
    outputs: expect.any(Float32Array),
  });
  expect(lanes.pids).not.toContain(pid);
  expect(isAlive(pid)).toBe(false);
});

test("an abort drops a call that waits and leaves the lane alone", async () => {
  const lanes = await open({ preload: [MODEL] });
  const before = lanes.pids;
  const job = new AbortController();
  const running = lanes.scan(MODEL, steps(500), never);
  const waiting = lanes.scan(MODEL, steps(1), job.signal);
  await handedOver();
  job.abort(new Error("canceled"));
  await expect(waiting).rejects.toThrow("canceled");
  await expect(running).resolves.toBeDefined();
  expect(lanes.pids).toEqual(before);
});

test("a lane that dies fails its own call alone", async () => {
  const lanes = await open({ preload: [MODEL], batch: { crashesAllowed: 1 } });
  const running = lanes.scan(MODEL, long, never);
  await handedOver();
  const waiting = lanes.scan(MODEL, steps(1), never);
  for (const pid of lanes.pids) process.kill(pid, "SIGKILL");
  await expect(running).rejects.toMatchObject({ code: "internal" });
  await expect(waiting).resolves.toMatchObject({ outputs: expect.any(Float32Array) });
});

test("a call that takes too long is ended", async () => {
  const lanes = await open({ preload: [MODEL], callTimeoutMs: 50 });
  await expect(lanes.scan(MODEL, long, never)).rejects.toMatchObject({
    code: "internal",
    message: expect.stringContaining("50 ms"),
  });
});

test("a call that the model refuses fails without harm to the lane", async () => {
  const lanes = await open();
  const before = lanes.pids;
  await expect(
    lanes.scan(MODEL, { rows: new Float32Array(7), state: new Float32Array(256) }, never),
  ).rejects.toMatchObject({ code: "internal", cause: { message: "7 values are not rows of 576" } });
  await expect(lanes.load("no_such_model", never)).rejects.toMatchObject({ code: "model_unavailable" });
  await expect(lanes.scan(MODEL, steps(1), never)).resolves.toBeDefined();
  expect(lanes.pids).toEqual(before);
});

test("a device that is not there is refused, never replaced by another", async () => {
  await expect(open({ device: "cuda", preload: [MODEL] })).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringContaining("on cuda"),
  });
});

test("closing ends every process and sends those who wait away", async () => {
  const lanes = await open({ count: 2, preload: [MODEL] });
  const { pids } = lanes;
  const calls = Promise.allSettled([1, 2, 3].map(() => lanes.scan(MODEL, long, never)));
  await handedOver();
  await lanes.close();
  expect(pids).toHaveLength(2);
  expect(pids.filter(isAlive)).toEqual([]);
  for (const call of await calls)
    expect(call).toMatchObject({ status: "rejected", reason: { code: "internal" } });
  await expect(lanes.scan(MODEL, steps(1), never)).rejects.toMatchObject({ code: "internal" });
});

test("signals that mean the parent do not end a lane", async () => {
  const lanes = await open({ preload: [MODEL] });
  const before = lanes.pids;
  for (const pid of before) for (const signal of ["SIGINT", "SIGTERM"] as const) process.kill(pid, signal);
  await expect(lanes.scan(MODEL, steps(1), never)).resolves.toBeDefined();
  expect(lanes.pids).toEqual(before);
});

test.runIf(process.platform === "linux")("a lane is out of reach of a terminal's signals", async () => {
  const [pid = 0] = (await open()).pids;
  const [, , , session] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  expect(Number(session)).toBe(pid);
});

test("a parent that is killed leaves no lane behind", async () => {
  const script = `
    import { createLanes } from ${JSON.stringify(fileURLToPath(new URL("./lanes.ts", import.meta.url)))};
    import { createRegistry } from ${JSON.stringify(fileURLToPath(new URL("./registry.ts", import.meta.url)))};
    const log = { info() {}, warn() {}, error() {} };
    const lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry: createRegistry(), log });
    process.stdout.write(JSON.stringify(lanes.pids));`;
  const parent = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(parent.stdout, "data");
  const pids: number[] = JSON.parse(String(said));
  expect(pids.filter(isAlive)).toHaveLength(2);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000, interval: 20 });
});

test.runIf(process.platform === "linux")(
  "a lane sees nothing of our environment, and reports to nobody",
  async () => {
    const lanes = await open({ preload: [MODEL], env: { LANG: "C" } });
    const [pid = 0] = lanes.pids;
    const names = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .map((entry) => entry.split("=")[0])
      .filter((name) => name !== "" && !name?.startsWith("NODE_CHANNEL_"));
    const switches = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "ORT_DISABLE_TELEMETRY"];
    expect(names.toSorted()).toEqual(["LANG", ...switches]);
    // The reporting library opens this log as soon as it starts.
    expect(existsSync(join(tmpdir(), `mat-debug-${pid}.log`))).toBe(false);
  },
);

test("a lane is replaced after so many calls, once it has answered, with its models warm", async () => {
  const lanes = await open({ preload: [], recycle: { calls: 4, rssBytes: Infinity } });
  const [first] = lanes.pids;
  // A load, its probe and two scans.
  for (let i = 0; i < 2; i++) await lanes.scan(MODEL, steps(1), never);
  await vi.waitFor(() => expect(lanes.observe().lanes).toMatchObject({ recycled: 1, started: 2, alive: 1 }), {
    timeout: 20_000,
  });
  expect(lanes.pids).not.toContain(first);
  expect(lanes.observe().lanes).toMatchObject({ crashed: 0, killed: 0 });
  await expect(lanes.scan(MODEL, steps(1), never)).resolves.toBeDefined();
});

test("a lane that is too large after a call is replaced, and no call is lost by it", async () => {
  const lanes = await open({ recycle: { calls: Infinity, rssBytes: 1 } });
  for (let i = 0; i < 3; i++) await expect(lanes.scan(MODEL, steps(1), never)).resolves.toBeDefined();
  expect(lanes.observe().lanes.recycled).toBeGreaterThanOrEqual(2);
});

test.runIf(process.platform === "linux")(
  "a lane gives back the space of its messages, however large they are: 500 of 0.5 MB leave 12 MB at most",
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "earshot-lanes-"));
    const registry = await MEMORY_CASES["music.notes"].standIns?.(folder.path);
    const lanes = await open({ ...(registry && { registry }), preload: [NOTES_MODEL] });
    const [pid = 0] = lanes.pids;
    const audio = { data: new Float32Array(43_844).fill(0.01), dims: [1, 43_844, 1] };
    const loadedMb = residentMb(pid, "VmRSS");
    for (let i = 0; i < 500; i++) await lanes.run(NOTES_MODEL, { "serving_default_input_2:0": audio }, never);
    expect(residentMb(pid, "VmRSS") - loadedMb).toBeLessThan(12);
    expect(lanes.pids).toEqual([pid]);
  },
);

test("a lane that hangs without work is found and replaced", async () => {
  const lanes = await open({ preload: [MODEL], pingEveryMs: 20, pingTimeoutMs: 200 });
  const [pid = 0] = lanes.pids;
  process.kill(pid, "SIGSTOP");
  await vi.waitFor(() => expect(lanes.pids).not.toContain(pid), { timeout: 20_000 });
  await expect(lanes.scan(MODEL, steps(1), never)).resolves.toBeDefined();
  expect(lanes.observe().lanes).toMatchObject({ killed: 1, started: 2 });
});

test("a crash is counted, and the call that lost its lane is answered by another", async () => {
  const lanes = await open({ preload: [MODEL] });
  const running = lanes.scan(MODEL, long, never);
  await handedOver();
  for (const pid of lanes.pids) process.kill(pid, "SIGKILL");
  await expect(running).resolves.toMatchObject({ outputs: expect.any(Float32Array) });
  expect(lanes.observe()).toMatchObject({
    lanes: { crashed: 1, started: 2 },
    models: { [`${MODEL}@6.2`]: { failures: 1, waiting: 0 } },
  });
});

test("a job that stops leaves its lane to the next one, whose answer is right", async () => {
  const lanes = await open({ preload: [MODEL] });
  const before = lanes.pids;
  const expected = await lanes.scan(MODEL, steps(3), never);
  const job = new AbortController();
  const calls = Array.from({ length: 8 }, () => lanes.scan(MODEL, steps(200), job.signal));
  const next = lanes.scan(MODEL, steps(3), never);
  await handedOver();
  job.abort(new Error("canceled"));
  for (const call of calls) await expect(call).rejects.toThrow("canceled");
  const { outputs, state } = await next;
  expect(Math.max(...outputs.map((value, i) => Math.abs(value - (expected.outputs[i] ?? NaN))))).toBeLessThan(
    1e-5,
  );
  expect(state).toHaveLength(expected.state.length);
  expect(lanes.pids).toEqual(before);
});

test("lanes come and go while a call runs: it is not cut short, and the new ones are warm", async () => {
  const lanes = await open({ preload: [MODEL] });
  const running = lanes.scan(MODEL, long, never);
  await handedOver();
  lanes.limit({ count: 3 });
  await vi.waitFor(() => expect(lanes.observe().lanes).toMatchObject({ alive: 3, wanted: 3 }), {
    timeout: 30_000,
  });
  expect(lanes.loaded).toEqual([1, 2, 3].map(() => [`${MODEL}@6.2`]));
  lanes.limit({ count: 1 });
  await vi.waitFor(() => expect(lanes.pids).toHaveLength(1), { timeout: 30_000 });
  await expect(running).resolves.toMatchObject({ outputs: expect.any(Float32Array) });
  await expect(lanes.scan(MODEL, steps(1), never)).resolves.toBeDefined();
  expect(lanes.observe().lanes).toMatchObject({ alive: 1, crashed: 0, killed: 0, recycled: 0, started: 3 });
});

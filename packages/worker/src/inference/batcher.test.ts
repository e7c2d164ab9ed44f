import { expect, test, vi } from "vitest";
import { LaneExit, LaneFailure } from "./lane-errors.ts";
import { ScriptedPool } from "./testing/scripted-pool.ts";

/** A job: calls under one signal. */
const job = () => new AbortController();
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("calls that wait share one run, and each gets its own answer", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher();
  const [a, b] = [job(), job()];
  const calls = ["a1", "a2", "b1"].map((name) => batcher.call(name, (name < "b" ? a : b).signal));
  const batch = await pool.next();
  expect(batch).toMatchObject({ requests: ["a1", "b1", "a2"], rows: 3 });
  expect(pool.figures).toMatchObject({ waiting: 0, inFlight: 3 });
  batch.answer();
  expect(await Promise.all(calls)).toEqual(["A1", "A2", "B1"]);
  await settled();
  expect(pool.figures).toMatchObject({ batches: 1, rows: 3, capacity: 4, failures: 0, inFlight: 0 });
});

test("a long job does not hold up a short one: turns go round", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher({ maxRows: 1 });
  const [long, short] = [job(), job()];
  const order: string[] = [];
  const call = (name: string, { signal }: AbortController) =>
    batcher.call(name, signal).then((answer) => order.push(answer));
  const all = Array.from({ length: 50 }, (_, i) => call(`long${i}`, long));
  await settled();
  all.push(call("short", short));
  for (let i = 0; i < 51; i++) (await pool.next()).answer();
  await Promise.all(all);
  // One of the long job's was on the lane, and one more had the turn.
  expect(order.indexOf("SHORT")).toBeLessThanOrEqual(2);
});

test("a batch is no larger than its limit", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher({ maxRows: 2 });
  const { signal } = job();
  const calls = ["1", "2", "3"].map((name) => batcher.call(name, signal));
  for (const size of [2, 1]) {
    const batch = await pool.next();
    expect(batch.requests).toHaveLength(size);
    batch.answer();
  }
  await Promise.all(calls);
});

test("a batch that is not full waits for more only so long, and not at all once it is full", async () => {
  const pool = new ScriptedPool(1);
  const timers = vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const batcher = pool.batcher({ maxRows: 2, delayMs: 5 });
    const { signal } = job();
    const first = batcher.call("1", signal);
    await settled();
    expect(pool.batches).toEqual([]);
    const second = batcher.call("2", signal);
    const full = await pool.next();
    expect(full.requests).toEqual(["1", "2"]);
    full.answer();
    await Promise.all([first, second]);
    const third = batcher.call("3", signal);
    await settled();
    expect(pool.batches).toEqual([]);
    timers.advanceTimersByTime(5);
    (await pool.next()).answer();
    expect(await third).toBe("3");
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  [1, 1],
  [3, 4],
  [4, 4],
])("%i rows are a run of %i where runs are of few sizes", async (count, rows) => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher({ isPadded: true });
  const { signal } = job();
  const calls = Array.from({ length: count }, (_, i) => batcher.call(String(i), signal));
  const batch = await pool.next();
  expect(batch.rows).toBe(rows);
  batch.answer();
  await Promise.all(calls);
});

test("a job that stops is answered at once: what waits is dropped, what is computed with others goes on for them", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher({ maxRows: 2 });
  const [stopped, other] = [job(), job()];
  const calls = [batcher.call("s1", stopped.signal), batcher.call("o1", other.signal)];
  const waiting = [batcher.call("s2", stopped.signal), batcher.call("o2", other.signal)];
  const shared = await pool.next();
  expect(shared.requests).toEqual(["s1", "o1"]);
  stopped.abort(new Error("canceled"));
  await expect(calls[0]).rejects.toThrow("canceled");
  await expect(waiting[0]).rejects.toThrow("canceled");
  // Longer than a run goes on that nobody waits for.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(shared.stop.aborted).toBe(false);
  shared.answer();
  expect(await calls[1]).toBe("O1");
  const next = await pool.next();
  expect(next.requests).toEqual(["o2"]);
  next.answer();
  expect(await waiting[1]).toBe("O2");
});

test("a run that nobody waits for any more is ended, and its lane is there for the next", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher({ maxRows: 2 });
  const [one, two] = [job(), job()];
  const calls = [batcher.call("1", one.signal), batcher.call("2", two.signal)];
  const abandoned = await pool.next();
  one.abort(new Error("canceled"));
  two.abort(new Error("canceled"));
  for (const call of calls) await expect(call).rejects.toThrow("canceled");
  const next = batcher.call("3", job().signal);
  const batch = await pool.next();
  expect(abandoned.stop.aborted).toBe(true);
  expect(batch.requests).toEqual(["3"]);
  batch.answer();
  expect(await next).toBe("3");
});

test("a patch that kills lanes fails its own job, and those beside it have their answers", async () => {
  const pool = new ScriptedPool(2);
  const batcher = pool.batcher();
  const calls = ["good", "poison", "fine"].map((name) => batcher.call(name, job().signal));
  const outcome = Promise.allSettled(calls);
  let crashes = 0;
  for (let left = 3; left > 0;) {
    const batch = await pool.next();
    if (batch.requests.includes("poison")) {
      crashes += 1;
      if (batch.requests.length === 1) left -= 1;
      batch.fail(new LaneExit("SIGSEGV"));
    } else {
      left -= batch.requests.length;
      batch.answer();
    }
  }
  expect(await outcome).toMatchObject([
    { value: "GOOD" },
    { reason: { code: "internal" } },
    { value: "FINE" },
  ]);
  expect(crashes).toBe(2);
});

test("a call whose lane was lost by chance is answered by another", async () => {
  const pool = new ScriptedPool(1);
  const call = pool.batcher().call("a", job().signal);
  (await pool.next()).fail(new LaneExit("SIGKILL"));
  (await pool.next()).answer();
  expect(await call).toBe("A");
});

test("a call that the model refuses fails alone, though it shared a run", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher();
  const calls = ["bad", "good"].map((name) => batcher.call(name, job().signal));
  const outcome = Promise.allSettled(calls);
  (await pool.next()).fail(new LaneFailure("wrong shape"));
  for (let i = 0; i < 2; i++) {
    const batch = await pool.next();
    expect(batch.requests).toHaveLength(1);
    if (batch.requests[0] === "bad") batch.fail(new LaneFailure("wrong shape"));
    else batch.answer();
  }
  expect(await outcome).toMatchObject([{ reason: { code: "internal" } }, { value: "GOOD" }]);
});

test("a job that stopped while its lane died is not tried again", async () => {
  const pool = new ScriptedPool(1);
  const batcher = pool.batcher({ abandonedMs: 60_000 });
  const stopped = job();
  const call = batcher.call("a", stopped.signal);
  const batch = await pool.next();
  stopped.abort(new Error("canceled"));
  await expect(call).rejects.toThrow("canceled");
  batch.fail(new LaneExit("SIGKILL"));
  await settled();
  expect(pool.batches).toEqual([]);
  expect(pool.figures).toMatchObject({ waiting: 0, inFlight: 0 });
});

import { expect, test } from "vitest";
import { createBell } from "./deliver-bell.ts";

const LONG_MS = 60_000;
const never = new AbortController().signal;

test("a ring wakes the one who waits", async () => {
  const bell = createBell();
  const woken = bell.wait(LONG_MS, never);
  bell.ring();
  await woken;
});

test("a ring before the wait is kept, and two are one", async () => {
  const bell = createBell();
  bell.ring();
  bell.ring();
  await bell.wait(LONG_MS, never);
  let woken = false;
  const second = bell.wait(LONG_MS, never).then(() => (woken = true));
  await Promise.resolve();
  expect(woken).toBe(false);
  bell.ring();
  await second;
});

test("time and an abort wake as well", async () => {
  const bell = createBell();
  await bell.wait(1, never);
  const stop = new AbortController();
  const woken = bell.wait(LONG_MS, stop.signal);
  stop.abort();
  await woken;
  await bell.wait(LONG_MS, stop.signal);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchForStall } from "./stall-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("it aborts with a timeout once nothing has moved for the limit", () => {
  using watch = watchForStall(1_000);
  vi.advanceTimersByTime(999);
  expect(watch.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(watch.signal.reason).toMatchObject({ name: "EgressError", kind: "timeout" });
});

test("what moves, however slowly, is no stall", () => {
  using watch = watchForStall(1_000);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(900);
    watch.moved();
  }
  expect(watch.signal.aborted).toBe(false);
});

test("it leaves no timer behind", () => {
  const watch = watchForStall(1_000);
  watch[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});

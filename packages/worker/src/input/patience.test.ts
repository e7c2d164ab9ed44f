import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Patience } from "./patience.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const consumer = (ms: number) => () => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("the budget is spent by waiting, and the signal carries the reason", async () => {
  const patience = new Patience(1_000, () => "spent");
  await vi.advanceTimersByTimeAsync(999);
  expect(patience.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(patience.signal.reason).toBe("spent");
});

test("time in consumers, also in several at once, doesn't count", async () => {
  const patience = new Patience(1_000, () => "spent");
  await vi.advanceTimersByTimeAsync(600);
  const both = [patience.whileConsuming(consumer(5_000)), patience.whileConsuming(consumer(9_000))];
  await vi.advanceTimersByTimeAsync(9_000);
  await Promise.all(both);
  await vi.advanceTimersByTimeAsync(399);
  expect(patience.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(patience.signal.aborted).toBe(true);
});

test("a consumer that fails starts the clock again", async () => {
  const patience = new Patience(1_000, () => "spent");
  await expect(patience.whileConsuming(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(patience.signal.aborted).toBe(true);
});

test("nothing runs after stop, even when a consumer ends later", async () => {
  const patience = new Patience(1_000, () => "spent");
  const consuming = patience.whileConsuming(consumer(500));
  patience.stop();
  await vi.advanceTimersByTimeAsync(500);
  await consuming;
  expect(vi.getTimerCount()).toBe(0);
});

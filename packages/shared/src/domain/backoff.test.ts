import { expect, test } from "vitest";
import { DELIVERY_SCHEDULE_SECONDS, deliveryDelaySeconds, jittered, retryDelaySeconds } from "./backoff.ts";

const LOWEST = () => 0;
const MIDDLE = () => 0.5;
const HIGHEST = () => 1 - Number.EPSILON;

test("a delivery is tried ten times, at the times that the documentation promises", () => {
  const [second, minute, hour] = [1, 60, 3600];
  const promised = [0, 5 * second, 5 * minute, 30 * minute, ...[2, 5, 10, 14, 20, 24].map((h) => h * hour)];
  expect(DELIVERY_SCHEDULE_SECONDS).toEqual(promised);
});

test("the delay after a failed attempt is that of the next one, and there is none after the last", () => {
  const delays = Array.from({ length: 11 }, (_, i) => deliveryDelaySeconds(i + 1, MIDDLE));
  expect(delays).toEqual([...DELIVERY_SCHEDULE_SECONDS.slice(1), null, null]);
});

test("jitter moves a delivery by a tenth at most", () => {
  expect(deliveryDelaySeconds(2, LOWEST)).toBeCloseTo(270, 9);
  expect(deliveryDelaySeconds(2, HIGHEST)).toBeCloseTo(330, 9);
});

test("the wait before a retried job doubles from five seconds up to five minutes", () => {
  const waits = Array.from({ length: 9 }, (_, i) => retryDelaySeconds(i + 1, MIDDLE));
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  expect(retryDelaySeconds(1000, HIGHEST)).toBeCloseTo(330, 9);
  expect(retryDelaySeconds(1, LOWEST)).toBeCloseTo(4.5, 9);
});

test("a period is moved by a fifth at most", () => {
  expect([LOWEST, MIDDLE, HIGHEST].map((random) => Math.round(jittered(1_000, random)))).toEqual([
    800, 1_000, 1_200,
  ]);
});

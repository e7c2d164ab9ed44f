import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { PhaseClock } from "./phases.ts";

class Lanes {
  readonly #name = "lanes";
  name() {
    return this.#name;
  }
  run(work: Promise<unknown>) {
    return work;
  }
}

const secondsOf = (clock: PhaseClock) =>
  Object.fromEntries(clock.spans.map(({ phase, seconds }) => [phase, seconds]));

test("time in the lanes is taken off the decoder's, and calls side by side count once", async () => {
  const clock = new PhaseClock();
  const lanes = clock.watch(new Lanes());
  const started = performance.now();
  await clock.time("decode", async () => {
    await delay(30);
    await Promise.all([lanes.run(delay(60)), lanes.run(delay(60)), lanes.run(delay(40))]);
    expect(lanes.name()).toBe("lanes");
  });
  const all = (performance.now() - started) / 1_000;
  const { decode = 0, infer = 0 } = secondsOf(clock);
  expect(infer).toBeGreaterThan(0.05);
  expect(decode).toBeGreaterThan(0.02);
  // Counted once, the two make up the whole; counted three times, infer alone would be more than all of it.
  expect(decode + infer).toBeLessThanOrEqual(all);
});

test("a phase that fails is timed too, and a failed call in it", async () => {
  const clock = new PhaseClock();
  const lanes = clock.watch(new Lanes());
  const failing = clock.time("decode", () => lanes.run(Promise.reject(new Error("lane"))) as Promise<void>);
  await expect(failing).rejects.toThrow("lane");
  await clock.time("commit", async () => {});
  expect(clock.spans.map(({ phase }) => phase)).toEqual(["decode", "infer", "commit"]);
});

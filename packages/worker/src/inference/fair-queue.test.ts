import { expect, test } from "vitest";
import { FairQueue } from "./fair-queue.ts";

function queueOf(...items: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const item of items) queue.push(item[0], item);
  return queue;
}

const upTo = (count: number) => {
  let left = count;
  return () => left-- > 0;
};

test("turns go round by owner, and each owner's are in order", () => {
  const queue = queueOf("a1", "a2", "a3", "a4", "b1", "c1", "c2");
  expect(queue.take(upTo(3))).toEqual(["a1", "b1", "c1"]);
  expect(queue.take(upTo(9))).toEqual(["a2", "c2", "a3", "a4"]);
  expect(queue.length).toBe(0);
});

test("who comes later has the next turn after those before", () => {
  const queue = queueOf("a1", "a2", "a3");
  expect(queue.take(upTo(1))).toEqual(["a1"]);
  queue.push("b", "b1");
  expect(queue.take(upTo(2))).toEqual(["a2", "b1"]);
});

test("one that does not fit ends the taking and keeps its turn", () => {
  const queue = queueOf("a1", "b1");
  expect(queue.take((item) => item !== "b1")).toEqual(["a1"]);
  expect(queue.take(() => true)).toEqual(["b1"]);
});

test("what was put back goes before all else of its owner, and what was removed is gone", () => {
  const queue = queueOf("a1", "a2", "b1");
  queue.putBack("a", "a0");
  queue.remove("a", "a1");
  queue.remove("b", "b1");
  queue.remove("nobody", "x");
  expect(queue.length).toBe(2);
  expect(queue.take(() => true)).toEqual(["a0", "a2"]);
});

import { expect, test } from "vitest";
import { inOrder } from "./in-order.ts";

test("outcomes come in the order of the items, whichever is ready first, and never too many run at once", async () => {
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  let running = 0;
  let most = 0;
  const outcomes = inOrder([0, 1, 2, 3], 2, async (item) => {
    most = Math.max(most, ++running);
    await gates[item]?.promise;
    running--;
    return item;
  });
  const seen: number[] = [];
  gates[1]?.resolve();
  gates[0]?.resolve();
  gates[3]?.resolve();
  gates[2]?.resolve();
  for await (const outcome of outcomes) seen.push(outcome);
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(most).toBe(2);
});

test("an error comes when its turn comes", async () => {
  const outcomes = inOrder(["good", "bad"], 2, async (item) => {
    if (item === "bad") throw new Error("no");
    return item;
  });
  expect(await outcomes.next()).toEqual({ done: false, value: "good" });
  await expect(outcomes.next()).rejects.toThrow("no");
});

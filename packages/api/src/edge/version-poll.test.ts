import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { VersionPoll } from "./version-poll.ts";

const FOREVER_MS = 60_000;

/** A table of versions, and what was asked of it. */
function table(versions: Record<string, string>) {
  const asked: string[][] = [];
  const errors: unknown[] = [];
  const state = { versions, isDown: false };
  const poll = new VersionPoll(
    async (jobIds) => {
      asked.push([...jobIds]);
      if (state.isDown) throw new Error("down");
      return new Map(Object.entries(state.versions));
    },
    { everyMs: 5, onError: (error) => void errors.push(error) },
  );
  return { poll, asked, errors, state };
}

test("who has seen nothing, or something else, is answered at once", async () => {
  const { poll, asked } = table({ a: "2" });
  expect(await poll.changeAfter("a", null, FOREVER_MS)).toBe("2");
  expect(await poll.changeAfter("a", "1", FOREVER_MS)).toBe("2");
  expect(asked).toHaveLength(2);
});

test("who has seen the present version waits for the next one", async () => {
  const { poll, asked, state } = table({ a: "1" });
  const waiting = poll.changeAfter("a", "1", FOREVER_MS);
  await until(() => asked.length >= 3, { describe: "it has asked some times" });
  state.versions = { a: "2" };
  expect(await waiting).toBe("2");
});

test("all who wait are asked for together, each job once", async () => {
  const { poll, asked, state } = table({ a: "1", b: "1" });
  const waiting = ["a", "a", "b", "a"].map((jobId) => poll.changeAfter(jobId, "1", FOREVER_MS));
  await until(() => asked.some((jobIds) => jobIds.length === 2), { describe: "one question for both" });
  state.versions = { a: "2", b: "3" };
  expect(await Promise.all(waiting)).toEqual(["2", "2", "3", "2"]);
});

test("nobody asks when nobody waits", async () => {
  const { poll, asked } = table({ a: "1" });
  expect(await poll.changeAfter("a", "1", 10)).toBeNull();
  const count = asked.length;
  await expect(
    until(() => asked.length > count, { timeoutMs: 100, describe: "another question" }),
  ).rejects.toThrow("another question");
});

test("a job that is not there is waited for in vain, and no longer than was said", async () => {
  const { poll } = table({});
  expect(await poll.changeAfter("a", null, 20)).toBeNull();
});

test("a read that fails is told, and the next one answers", async () => {
  const { poll, errors, state } = table({ a: "2" });
  state.isDown = true;
  const waiting = poll.changeAfter("a", "1", FOREVER_MS);
  await until(() => errors.length > 0, { describe: "the failure" });
  state.isDown = false;
  expect(await waiting).toBe("2");
});

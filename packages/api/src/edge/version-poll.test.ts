import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { VersionPoll } from "./version-poll.ts";

const FOREVER_MS = 60_000;

/** A table of versions, and what was asked of it. */
function table(versions: Record<string, string>) {
  const asked: string[][] = [];
  const read: string[] = [];
  const errors: unknown[] = [];
  const state = { versions, isDown: false };
  const poll = new VersionPoll({
    everyMs: 5,
    async readVersions(jobIds) {
      asked.push([...jobIds]);
      if (state.isDown) throw new Error("down");
      return new Map(Object.entries(state.versions));
    },
    async read(jobId) {
      read.push(jobId);
      return `${jobId} ${state.versions[jobId]}`;
    },
    onError: (error) => void errors.push(error),
  });
  return { poll, asked, read, errors, state };
}

test("who has seen nothing, or something else, is answered at once", async () => {
  const { poll, asked } = table({ a: "2" });
  expect(await poll.changeAfter("a", null, FOREVER_MS)).toBe("a 2");
  expect(await poll.changeAfter("a", "1", FOREVER_MS)).toBe("a 2");
  expect(asked).toHaveLength(2);
});

test("who has seen the present version waits for the next one", async () => {
  const { poll, asked, read, state } = table({ a: "1" });
  const waiting = poll.changeAfter("a", "1", FOREVER_MS);
  await until(() => asked.length >= 3, { describe: "it has asked some times" });
  expect(read).toEqual([]);
  state.versions = { a: "2" };
  expect(await waiting).toBe("a 2");
});

test("1,000 who wait are asked for together, and a job that changed is read once for all", async () => {
  const { poll, asked, read, state } = table({ a: "1", b: "1" });
  const waiting = Array.from({ length: 1_000 }, (_, n) =>
    poll.changeAfter(n % 4 === 2 ? "b" : "a", "1", FOREVER_MS),
  );
  await until(() => asked.some((jobIds) => jobIds.length === 2), { describe: "one question for both" });
  state.versions = { a: "2", b: "3" };
  const answers = await Promise.all(waiting);
  expect(answers.slice(0, 4)).toEqual(["a 2", "a 2", "b 3", "a 2"]);
  expect(read).toEqual(["a", "b"]);
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
  expect(await waiting).toBe("a 2");
});

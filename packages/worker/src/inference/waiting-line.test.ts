import { expect, test } from "vitest";
import { WaitingLine } from "./waiting-line.ts";

const never = new AbortController().signal;

test("who came first is served first", async () => {
  const line = new WaitingLine<string>();
  const served: string[] = [];
  const all = ["a", "b", "c"].map((name) => line.take(never).then((free) => served.push(`${name}:${free}`)));
  for (const free of ["1", "2", "3"]) line.give(free);
  await Promise.all(all);
  expect(served).toEqual(["a:1", "b:2", "c:3"]);
});

test("who left is not served", async () => {
  const line = new WaitingLine<string>();
  const impatient = new AbortController();
  const left = line.take(impatient.signal);
  const stayed = line.take(never);
  impatient.abort(new Error("left"));
  line.give("1");
  await expect(left).rejects.toThrow("left");
  await expect(stayed).resolves.toBe("1");
});

test("what was removed is not given out", async () => {
  const line = new WaitingLine<string>();
  line.give("1");
  line.give("2");
  line.remove("1");
  expect(await line.take(never)).toBe("2");
});

test("everybody who waits is sent away, and later ones may wait again", async () => {
  const line = new WaitingLine<string>();
  const waiting = line.take(never);
  line.failAll(new Error("closed"));
  await expect(waiting).rejects.toThrow("closed");
  const later = line.take(never);
  line.give("1");
  await expect(later).resolves.toBe("1");
});

test("all that is free is taken out at once, and who waits is counted", async () => {
  const line = new WaitingLine<string>();
  line.give("1");
  line.give("2");
  expect(line.takeAllFree()).toEqual(["1", "2"]);
  const waiting = line.take(never);
  expect(line.waiting).toBe(1);
  line.give("1");
  expect(await waiting).toBe("1");
  expect(line.waiting).toBe(0);
});

import { expect, test, vi } from "vitest";
import type { Inference } from "../inference/inference.ts";
import type { AudioBlock } from "../input/audio.ts";
import { JobFeatures } from "./features.ts";
import type { FeatureSource } from "./features.ts";

const block = (): AudioBlock => ({ channels: [new Float32Array(1)] });

/** Counts the blocks. Nothing of the inference is used. */
function counter() {
  const push = vi.fn(async (_block: AudioBlock) => {});
  const finish = vi.fn(async () => push.mock.calls.length);
  const source: FeatureSource<number> = { start: vi.fn(() => ({ push, finish })) };
  return { source, push, finish };
}

function features(): JobFeatures {
  return new JobFeatures({ inference: {} as Inference, signal: new AbortController().signal });
}

test("tasks of one job share a run, which sees each block and the end once", async () => {
  const { source, push, finish } = counter();
  const job = features();
  const [first, second] = [job.of(source), job.of(source)];
  const blocks = [block(), block(), block()];
  for (const each of blocks) await Promise.all([first.push(each), second.push(each)]);
  expect(await Promise.all([first.finish(), second.finish()])).toEqual([3, 3]);
  expect(source.start).toHaveBeenCalledOnce();
  expect(push.mock.calls.flat()).toEqual(blocks);
  expect(finish).toHaveBeenCalledOnce();
});

test("another source and another job have runs of their own", async () => {
  const [one, other] = [counter(), counter()];
  const job = features();
  await Promise.all([job.of(one.source).push(block()), job.of(other.source).push(block())]);
  await features().of(one.source).push(block());
  expect(one.source.start).toHaveBeenCalledTimes(2);
  expect(other.source.start).toHaveBeenCalledOnce();
});

test("a task that waits for a block waits for the run, also when another one brought the block", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { source, push } = counter();
  push.mockReturnValueOnce(promise);
  const run = features().of(source);
  const same = block();
  const [first, second] = [run.push(same), run.push(same)];
  const winner = await Promise.race([second, Promise.resolve("nobody yet")]);
  expect(winner).toBe("nobody yet");
  resolve();
  expect(await Promise.all([first, second])).toEqual([undefined, undefined]);
});

test("a failure is told to every task", async () => {
  const { source, push, finish } = counter();
  push.mockRejectedValue(new Error("no lane"));
  finish.mockRejectedValue(new Error("too short"));
  const run = features().of(source);
  const same = block();
  const told = await Promise.allSettled([run.push(same), run.push(same), run.finish(), run.finish()]);
  expect(told.map((each) => each.status === "rejected" && String(each.reason))).toEqual([
    "Error: no lane",
    "Error: no lane",
    "Error: too short",
    "Error: too short",
  ]);
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeToneWav } from "./testing/make-audio.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";
import { startWorkerProcess } from "./testing/worker-process.ts";

let stack: TestStack;
let directory: string;
beforeAll(async () => {
  stack = await startTestStack();
  directory = await mkdtemp(join(tmpdir(), "earshot-test-defunct-"));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

test("a defunct worker says so, leaves the jobs to others, and ends with 70 when it is stopped", async () => {
  const file = await writeToneWav(join(directory, "tone.wav"), { seconds: 1, sampleRateHz: 16_000 });
  await using defunct = await startWorkerProcess(stack, { EARSHOT_DEVICE: "cuda" });
  expect(defunct.log()).toContain('"event":"defunct"');
  expect(defunct.log()).not.toContain('"event":"ready"');
  const id = await stack.submitAndRing({
    uploadId: await stack.upload(file),
    tasks: ["speech.segments"],
  });
  await using fit = await startWorkerProcess(stack);
  expect(fit.log()).toContain('"event":"ready"');
  expect(await stack.stateOf(id)).toMatchObject({ status: "succeeded", attempt: 1 });
  expect(await stack.results(id)).toMatchObject([{ device: "cpu" }]);
  expect(await defunct.drain()).toBe(70);
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BEAT_SECONDS, cancelLongJob } from "./testing/cancel.ts";
import { startTestStack } from "./testing/test-stack.ts";

test("a job of 1 h that is canceled leaves its lane within one beat, and the lane's next job is right", async () => {
  await using stack = await startTestStack();
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-cancel-"));
  try {
    const { seconds, lanes, before, next } = await cancelLongJob(stack, { directory, hours: 1 });
    expect(seconds).toBeLessThan(BEAT_SECONDS);
    expect(lanes[1]).toEqual(lanes[0]);
    expect(before).toContain('"segments":[{');
    expect(next).toBe(before);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 180_000);

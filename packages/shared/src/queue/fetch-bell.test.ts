import { startTestQueue } from "@earshot/testkit/queue";
import { expect, test } from "vitest";
import { createFetchBell } from "./fetch-bell.ts";
import { JobQueue } from "./job-queue.ts";

const CREDENTIALS = { accessKeyId: "embedded", secretAccessKey: "embedded" };
const MESSAGE = { v: 1 as const, jobId: "job_1", traceparent: null };

test("a worker hears what it rings", async () => {
  await using queue = await startTestQueue();
  await createFetchBell(queue, CREDENTIALS).ring(MESSAGE, "acc_1");
  const worker = new JobQueue(queue);
  const received = await worker.receive({ maxMessages: 10, waitSeconds: 1 });
  expect(received.map(({ message }) => message)).toEqual([MESSAGE]);
  worker.close();
});

test("a queue that isn't there is an error", async () => {
  await using queue = await startTestQueue();
  const bell = createFetchBell({ ...queue, url: `${queue.url}-other` }, CREDENTIALS);
  await expect(bell.ring(MESSAGE, "acc_1")).rejects.toThrow("refused a message: 400");
});

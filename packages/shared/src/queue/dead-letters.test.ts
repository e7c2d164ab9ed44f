import { startTestQueue } from "@earshot/testkit/queue";
import { expect, test } from "vitest";
import { DeadLetters } from "./dead-letters.ts";
import { JobQueue } from "./job-queue.ts";

test("dead letters are shown with their reason; the readable ones go back, the others stay", async () => {
  await using queue = await startTestQueue();
  // Written where dead ones end up, as the server does it after too many receives.
  const grave = new JobQueue({ ...queue, url: queue.deadLetterUrl });
  await grave.ring({ v: 1, jobId: "job_1", traceparent: null }, "acc_1");
  await grave.ring({ v: 2, jobId: "job_2" } as never, "acc_1");
  const dead = new DeadLetters(queue);

  for (const _time of ["once", "and again: looking takes nothing away"]) {
    const listed = await dead.list(10);
    expect(listed.map(({ reason }) => reason).toSorted()).toEqual([null, expect.stringMatching(/^v: /)]);
  }

  const { redriven, kept } = await dead.redrive(10);
  expect(redriven).toMatchObject([{ reason: null, body: expect.stringContaining("job_1") }]);
  expect(kept).toMatchObject([{ reason: expect.stringMatching(/^v: /) }]);
  expect(await dead.list(10)).toHaveLength(1);

  const worker = new JobQueue(queue);
  const received = await worker.receive({ maxMessages: 10, waitSeconds: 1 });
  expect(received.map(({ message }) => message?.jobId)).toEqual(["job_1"]);
  for (const each of [grave, worker, dead]) each.close();
});

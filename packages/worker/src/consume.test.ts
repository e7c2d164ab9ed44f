import { finishJob } from "@earshot/shared/db/jobs/finish-job";
import type { ClaimedJob } from "@earshot/shared/db/jobs/claim-job";
import { silentLog } from "@earshot/shared/log";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { consume } from "./consume.ts";
import { startTestStack } from "./testing/test-stack.ts";
import type { TestStack } from "./testing/test-stack.ts";

/** A consumer on the stack's own queue, whose jobs last until they are let go. */
function startConsumer(stack: TestStack, slots: () => number) {
  const queue = new JobQueue(stack.queue);
  const stop = new AbortController();
  const atWork = new Map<string, () => void>();
  const room: boolean[] = [];
  const work = async ({ job, lease }: ClaimedJob) => {
    await new Promise<void>((resolve) => atWork.set(job.id, resolve));
    atWork.delete(job.id);
    await finishJob(stack.db, lease, {
      status: "succeeded",
      results: [],
      embeddings: [],
      input: null,
      warnings: [],
      computeSeconds: 0,
      device: null,
      error: null,
    });
  };
  const done = consume(
    {
      db: stack.db,
      queue,
      claim: () => ({ workerId: "test", leaseSeconds: 60 }),
      slots,
      work,
      onRoom: (hasRoom) => room.push(hasRoom),
      log: silentLog,
      random: Math.random,
    },
    stop.signal,
  );
  return {
    atWork,
    room,
    async [Symbol.asyncDispose]() {
      stop.abort();
      for (const finish of atWork.values()) finish();
      await done;
      queue.close();
    },
  };
}

test("without room nothing is received; with it as many jobs are taken as there is room for, and the next when one ends", async () => {
  await using stack = await startTestStack();
  const ids = await Promise.all(
    [1, 2, 3].map(() => stack.submitAndRing({ inputUrl: "https://a.example/a.wav" })),
  );
  let slots = 0;
  await using consumer = startConsumer(stack, () => slots);
  await until(() => consumer.room.length >= 3, { describe: "some turns without room" });
  expect(consumer.room).not.toContain(true);
  const passerBy = new JobQueue(stack.queue);
  const waiting = await passerBy.receive({ maxMessages: 10, waitSeconds: 0 });
  expect(waiting).toHaveLength(3);
  await Promise.all(waiting.map(({ receiptHandle }) => passerBy.giveBack(receiptHandle)));
  passerBy.close();
  for (const id of ids) expect(await stack.job(id)).toMatchObject({ status: "queued", attempt: 0 });

  slots = 2;
  await until(() => consumer.atWork.size === 2, { describe: "two jobs at work" });
  const turns = consumer.room.length;
  await until(() => consumer.room.length > turns + 1, { describe: "turns with both at work" });
  expect(consumer.room.at(-1)).toBe(false);
  expect(consumer.atWork.size).toBe(2);

  for (const finish of consumer.atWork.values()) finish();
  await until(() => consumer.atWork.size === 1, { describe: "the third" });
});

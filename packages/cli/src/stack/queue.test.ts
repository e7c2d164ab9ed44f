import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { startTestQueue } from "@earshot/testkit/queue";
import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import type { QueueReady } from "./queue.main.ts";
import { startQueue } from "./queue.ts";

const message = { v: 1, jobId: "job_01", traceparent: null } as const;

function connect(queue: { url: string; endpoint: string }): AsyncDisposable & { jobs: JobQueue } {
  const jobs = new JobQueue(queue);
  return { jobs, [Symbol.asyncDispose]: async () => jobs.close() };
}

test("a message that is sent is received, and once deleted never again", async () => {
  await using queue = await startTestQueue({ visibilityTimeoutSeconds: 0 });
  await using client = connect(queue);
  await client.jobs.ring(message, "acc_1");
  const [received] = await client.jobs.receive({ maxMessages: 10, waitSeconds: 1 });
  expect(received?.message).toEqual(message);
  await client.jobs.delete(received?.receiptHandle ?? "");
  expect(await client.jobs.receive({ maxMessages: 10, waitSeconds: 0 })).toEqual([]);
});

test("a message that nobody deletes ends in the dead letter queue after five receives", async () => {
  await using queue = await startTestQueue({ visibilityTimeoutSeconds: 0 });
  await using client = connect(queue);
  await using deadLetters = connect({ ...queue, url: queue.deadLetterUrl });
  await client.jobs.ring(message, "acc_1");
  for (let receive = 1; receive <= 5; receive++) {
    expect(await client.jobs.receive({ maxMessages: 1, waitSeconds: 1 })).toHaveLength(1);
  }
  expect(await client.jobs.receive({ maxMessages: 1, waitSeconds: 0 })).toEqual([]);
  const [dead] = await deadLetters.jobs.receive({ maxMessages: 1, waitSeconds: 0 });
  expect(dead?.message).toEqual(message);
});

test("a restart keeps the address and the queues, and forgets the messages", async () => {
  await using queue = await startTestQueue();
  await using client = connect(queue);
  await client.jobs.ring(message, "acc_1");
  await queue.restart();
  expect(await client.jobs.receive({ maxMessages: 1, waitSeconds: 0 })).toEqual([]);
  await client.jobs.ring(message, "acc_1");
  expect(await client.jobs.receive({ maxMessages: 1, waitSeconds: 1 })).toHaveLength(1);
});

test("it listens on one loopback address only, and a taken port is told", async () => {
  await using queue = await startTestQueue();
  const port = Number(new URL(queue.endpoint).port);
  await expect(startQueue({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
  // A server on every address would have taken this one, too.
  const elsewhere = createServer().listen(port, "127.0.0.2");
  await once(elsewhere, "listening");
  elsewhere.close();
});

async function forkQueue(): Promise<{ child: ChildProcess; ready: QueueReady }> {
  const child = fork(fileURLToPath(new URL("queue.main.ts", import.meta.url)));
  const [ready] = (await once(child, "message")) as [QueueReady];
  return { child, ready };
}

test("the queue's process ends when its parent is gone, and does not mind Ctrl-C", async () => {
  const { child, ready } = await forkQueue();
  child.kill("SIGINT");
  expect((await fetch(`${ready.endpoint}/health`)).status).toBe(200);
  const ended = once(child, "exit");
  child.disconnect();
  expect(await ended).toEqual([0, null]);
});

test("SIGTERM ends the queue's process while somebody waits in a long poll", async () => {
  const { child, ready } = await forkQueue();
  await using client = connect(ready);
  const poll = client.jobs.receive({ maxMessages: 1, waitSeconds: 20 }).catch(() => []);
  await until(() => fetch(`${ready.endpoint}/health`), { describe: "the queue to have read the poll" });
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  await poll;
}, 10_000);

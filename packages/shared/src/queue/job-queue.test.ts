import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { JobQueue } from "./job-queue.ts";

const MESSAGE = { v: 1 as const, jobId: "job_1", traceparent: null };

test("who stops hears when no bell is under way any more, whatever became of it", async () => {
  const refusals: (() => void)[] = [];
  const server = createServer((request, response) => {
    request.resume();
    refusals.push(() => response.writeHead(400, { "content-type": "application/x-amz-json-1.0" }).end("{}"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const queue = new JobQueue({ url: `${endpoint}/000000000000/jobs`, endpoint });
  const isOver = vi.fn();
  const ringing = [1, 2].map(() => queue.ring(MESSAGE, "acc_1").catch((error: unknown) => String(error)));
  const rung = queue.rung().then(isOver);
  await vi.waitUntil(() => refusals.length === 2);
  refusals[0]?.();
  await Promise.race(ringing);
  expect(isOver).not.toHaveBeenCalled();
  refusals[1]?.();
  await rung;
  expect(await Promise.all(ringing)).toHaveLength(2);
  queue.close();
  server.close();
});

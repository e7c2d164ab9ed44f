import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { uploadFile } from "@earshot/cli/client/upload-file";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import type { BenchContext, Figure, Measured } from "../figure.ts";
import { openStack } from "../stack.ts";
import type { BenchStack } from "../stack.ts";
import { medianOf, rounded } from "../statistics.ts";

const JOBS = 60;
const signal = new AbortController().signal;

/** An idle system: from a submission to its claim, and from a job's end to its webhook, each against the bare thing. */
export const latency: Figure = {
  name: "latency",
  async measure(context) {
    await using stack = await openStack(context, "latency");
    await using receiver = await startReceiver();
    await Promise.all([stack.start("api"), stack.start("worker"), stack.start("deliver")]);
    const file = join(stack.home.directory, "short.wav");
    await writeFile(file, wavOf(new Int16Array(8_000)));
    const upload_id = await uploadFile(stack.earshot, file, () => {}, signal);
    return await measureJobs(context, stack, receiver, upload_id);
  },
};

async function measureJobs(
  { quick }: BenchContext,
  stack: BenchStack,
  receiver: Receiver,
  upload_id: string,
): Promise<Measured> {
  const queue = new JobQueue({ url: stack.queue.deadLetterUrl, endpoint: stack.queue.endpoint });
  let notified = () => {};
  await stack.sql.listen("bench", () => notified());
  const samples: Sample[] = [];
  for (let i = 0; i < (quick ? 5 : JOBS); i++) {
    const job = await runJob(stack, receiver, upload_id);
    const bareQueueMs = await bareQueue(queue);
    const post = () => void fetch(receiver.url, { method: "POST", body: "bare" });
    notified = post;
    const arrived = receiver.next();
    const start = performance.timeOrigin + performance.now();
    await stack.sql.notify("bench", "1");
    samples.push({ ...job, bareQueueMs, bareNotifyMs: (await arrived) - start });
  }
  queue.close();
  const p50 = (valueOf: (sample: Sample) => number) => medianOf(samples.map(valueOf));
  return {
    figures: {
      "latency.wakeup": {
        value: rounded(p50(({ wakeupMs }) => wakeupMs) / p50(({ bareQueueMs }) => bareQueueMs)),
        goal: 2,
      },
      "latency.notify": {
        value: rounded(p50(({ notifyMs }) => notifyMs) / p50(({ bareNotifyMs }) => bareNotifyMs)),
        goal: 3,
      },
    },
    details: {
      wakeup_p50_ms: rounded(p50(({ wakeupMs }) => wakeupMs)),
      bare_queue_p50_ms: rounded(p50(({ bareQueueMs }) => bareQueueMs)),
      notify_p50_ms: rounded(p50(({ notifyMs }) => notifyMs)),
      bare_notify_p50_ms: rounded(p50(({ bareNotifyMs }) => bareNotifyMs)),
      jobs: samples.length,
    },
  };
}

interface Sample {
  wakeupMs: number;
  notifyMs: number;
  bareQueueMs: number;
  bareNotifyMs: number;
}

/** Both clocks are this machine's. The job's last change is its end, so its row tells when that was committed. */
async function runJob({ earshot, sql }: BenchStack, receiver: Receiver, upload_id: string) {
  const arrived = receiver.next();
  const request = {
    input: { upload_id },
    tasks: ["audio.features" as const],
    webhook: { url: receiver.url },
  };
  const { id } = await earshot.jobs.create(request, { signal });
  const receivedAt = await arrived;
  const [job] = await sql<{ wakeup: number; committed: number }[]>`
    select extract(epoch from started_at - created_at)::float8 as wakeup,
      extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as committed
    from jobs where id = ${id}`;
  if (job === undefined) throw new Error(`no job ${id}`);
  return { wakeupMs: 1_000 * job.wakeup, notifyMs: receivedAt - 1_000 * job.committed };
}

async function bareQueue(queue: JobQueue): Promise<number> {
  const received = queue.receive({ maxMessages: 1, waitSeconds: 10 });
  // The long poll is there before the message.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  await queue.ring({ v: 1, jobId: "job_00000000000000000000000000", traceparent: null }, "bare");
  const [message] = await received;
  const took = performance.now() - start;
  if (message !== undefined) await queue.delete(message.receiptHandle);
  return took;
}

interface Receiver extends AsyncDisposable {
  url: string;
  /** When the next request's headers came, by the clock. */
  next(): Promise<number>;
}

async function startReceiver(): Promise<Receiver> {
  let arrived = (_at: number) => {};
  const server = createServer((request, response) => {
    arrived(performance.timeOrigin + performance.now());
    request.resume();
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    next: () => new Promise((resolve) => void (arrived = resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Mono, 16 kHz. */
function wavOf(samples: Int16Array): Buffer {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, new Uint8Array(samples.buffer)]);
}

import type { AddressInfo } from "node:net";
import { buildApp } from "fauxqs";
import { LOOPBACK } from "./postgres-port.ts";

export interface RunningQueue {
  port: number;
  /** Of the SQS protocol, for clients. */
  endpoint: string;
  /** Of the queue of jobs. */
  url: string;
  deadLetterUrl: string;
  /** Ends waiting long polls and forgets every message: the truth is in Postgres. */
  stop(): Promise<void>;
}

const JOB_QUEUE = "earshot-jobs";
const DEAD_LETTER_QUEUE = "earshot-jobs-dlq";
const ACCOUNT = "000000000000";
const MAX_RECEIVES = 5;

type QueueServer = ReturnType<typeof buildApp>;

export interface QueueOptions {
  /** 0: a free one. */
  port: number;
  /** How long a received message is hidden from others. */
  visibilityTimeoutSeconds?: number;
}

/** An SQS server in this process, on loopback and in memory, with the queue of jobs and its dead letter queue. */
export async function startQueue({
  port,
  visibilityTimeoutSeconds = 30,
}: QueueOptions): Promise<RunningQueue> {
  const app = buildApp({ logger: false });
  await app.listen({ host: LOOPBACK, port }).catch((cause: unknown) => {
    throw new Error(`The queue cannot listen on ${LOOPBACK}:${port}: ${String(cause)}`, { cause });
  });
  const address = app.server.address() as AddressInfo;
  await createQueue(app, DEAD_LETTER_QUEUE, {});
  await createQueue(app, JOB_QUEUE, {
    VisibilityTimeout: String(visibilityTimeoutSeconds),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${DEAD_LETTER_QUEUE}`,
      maxReceiveCount: MAX_RECEIVES,
    }),
  });
  return {
    port: address.port,
    ...queueUrlsAt(address.port),
    async stop() {
      await app.close();
    },
  };
}

/** Where the server at `port` has its queues. Its own answer names a host that nothing resolves. */
export function queueUrlsAt(port: number): Pick<RunningQueue, "endpoint" | "url" | "deadLetterUrl"> {
  const endpoint = `http://${LOOPBACK}:${port}`;
  return {
    endpoint,
    url: `${endpoint}/${ACCOUNT}/${JOB_QUEUE}`,
    deadLetterUrl: `${endpoint}/${ACCOUNT}/${DEAD_LETTER_QUEUE}`,
  };
}

/** The package keeps its store to itself, so a queue is made by a request as from any client. */
async function createQueue(
  app: QueueServer,
  name: string,
  attributes: Record<string, string>,
): Promise<void> {
  const response = await app.inject({
    method: "POST",
    url: "/",
    headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.CreateQueue" },
    payload: JSON.stringify({ QueueName: name, Attributes: attributes }),
  });
  if (response.statusCode !== 200) throw new Error(`The queue ${name} was not made: ${response.body}`);
}

import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { AwsCredentials } from "../aws-credentials.ts";
import type { JobMessage } from "./message.ts";
import { parseJobMessage } from "./message.ts";

export interface QueueConfig {
  url: string;
  /** Of an SQS-compatible server; absent for AWS itself. */
  endpoint?: string | undefined;
  /** Of a queue on AWS it is in its URL. */
  region?: string | undefined;
  /** Lent ones are asked for again before they run out. Without it, those that the machine has, or what any server takes. */
  credentials?: (() => Promise<QueueCredentials>) | undefined;
}

export interface QueueCredentials extends AwsCredentials {
  expiration?: Date;
}

export interface Received {
  /** null: nobody can parse it; leave it to the dead letter queue. */
  message: JobMessage | null;
  receiptHandle: string;
}

/** Rings the bell: the job itself is in Postgres already. */
export interface JobBell {
  ring(message: JobMessage, accountId: string): Promise<void>;
}

/** The SQS queue of jobs. `MessageGroupId` is the account, which gives fair queues on AWS. */
export class JobQueue implements JobBell {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #ringing = new Set<Promise<void>>();

  constructor(config: QueueConfig) {
    this.#url = config.url;
    this.#client = new SQSClient({
      region: config.region ?? regionOf(config.url) ?? "us-east-1",
      useQueueUrlAsEndpoint: false,
      maxAttempts: 2,
      ...(config.endpoint && {
        endpoint: config.endpoint,
        credentials: { accessKeyId: "embedded", secretAccessKey: "embedded" },
      }),
      ...(config.credentials && { credentials: config.credentials }),
    });
  }

  ring(message: JobMessage, accountId: string): Promise<void> {
    const ringing = this.#send(message, accountId).finally(() => this.#ringing.delete(ringing));
    this.#ringing.add(ringing);
    return ringing;
  }

  /** Resolves when what was rung so far is out or has failed. */
  async rung(): Promise<void> {
    await Promise.allSettled(this.#ringing);
  }

  async #send(message: JobMessage, accountId: string): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: JSON.stringify(message),
        MessageGroupId: accountId,
      }),
      { requestTimeout: 5_000 },
    );
  }

  /** A long poll. It is never aborted: an aborted one swallows the next message until its visibility runs out. */
  async receive(options: { maxMessages: number; waitSeconds: number }): Promise<Received[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: Math.min(10, options.maxMessages),
        WaitTimeSeconds: options.waitSeconds,
      }),
      { requestTimeout: (options.waitSeconds + 10) * 1_000 },
    );
    return Messages.flatMap(({ Body, ReceiptHandle }) =>
      ReceiptHandle === undefined ? [] : [{ message: parseJobMessage(Body), receiptHandle: ReceiptHandle }],
    );
  }

  async delete(receiptHandle: string): Promise<void> {
    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receiptHandle }));
  }

  /** Makes a received message visible to the others at once. */
  async giveBack(receiptHandle: string): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#url,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }),
    );
  }

  close(): void {
    this.#client.destroy();
  }
}

function regionOf(queueUrl: string): string | undefined {
  return /^sqs\.([a-z0-9-]+)\.amazonaws\.com$/.exec(new URL(queueUrl).hostname)?.[1];
}

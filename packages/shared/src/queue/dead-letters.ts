import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { JobMessage } from "./message.ts";
import type { QueueConfig } from "./job-queue.ts";

/** A message that no worker could read, or that was received too often. */
export interface DeadLetter {
  id: string;
  /** The beginning of its text. */
  body: string;
  /** Why no worker can read it; null when one could, so that it may go back. */
  reason: string | null;
  /** How often it was received since it is dead. */
  receives: number;
}

interface Held extends DeadLetter {
  receiptHandle: string;
  whole: string;
}

/** Long enough to look at all of them; afterwards they are shown to others again. */
const HIDDEN_SECONDS = 30;
const SHOWN_CHARACTERS = 200;

/** The dead letter queue of the jobs. Not every server can move messages between queues: they are received, sent and deleted. */
export class DeadLetters {
  readonly #client: SQSClient;
  readonly #config: QueueConfig & { deadLetterUrl: string };

  constructor(config: QueueConfig & { deadLetterUrl: string }) {
    this.#config = config;
    this.#client = new SQSClient({
      region: config.region ?? "us-east-1",
      useQueueUrlAsEndpoint: false,
      maxAttempts: 2,
      ...(config.endpoint && {
        endpoint: config.endpoint,
        credentials: { accessKeyId: "embedded", secretAccessKey: "embedded" },
      }),
    });
  }

  /** Up to `limit` of them; they stay where they are. */
  async list(limit: number): Promise<DeadLetter[]> {
    const held = await this.#hold(limit);
    await Promise.all(held.map((letter) => this.#show(letter)));
    return held.map(letterOf);
  }

  /** Sends up to `limit` readable ones to the workers again. What nobody can read stays, with its reason. */
  async redrive(limit: number): Promise<{ redriven: DeadLetter[]; kept: DeadLetter[] }> {
    const redriven: DeadLetter[] = [];
    const kept: DeadLetter[] = [];
    for (const held of await this.#hold(limit)) {
      const { receiptHandle, whole } = held;
      const letter = letterOf(held);
      if (letter.reason !== null) {
        kept.push(letter);
        await this.#show(held);
        continue;
      }
      // Sent first: a crash in between leaves it twice, and a bell that rings twice does no harm.
      await this.#client.send(new SendMessageCommand({ QueueUrl: this.#config.url, MessageBody: whole }));
      await this.#client.send(
        new DeleteMessageCommand({ QueueUrl: this.#config.deadLetterUrl, ReceiptHandle: receiptHandle }),
      );
      redriven.push(letter);
    }
    return { redriven, kept };
  }

  close(): void {
    this.#client.destroy();
  }

  async #hold(limit: number): Promise<Held[]> {
    const held: Held[] = [];
    while (held.length < limit) {
      const { Messages = [] } = await this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#config.deadLetterUrl,
          MaxNumberOfMessages: Math.min(10, limit - held.length),
          VisibilityTimeout: HIDDEN_SECONDS,
          WaitTimeSeconds: 0,
          MessageSystemAttributeNames: ["ApproximateReceiveCount"],
        }),
      );
      if (Messages.length === 0) break;
      for (const { MessageId = "", Body = "", ReceiptHandle = "", Attributes } of Messages) {
        held.push({
          id: MessageId,
          body: Body.slice(0, SHOWN_CHARACTERS),
          reason: whyUnreadable(Body),
          receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
          receiptHandle: ReceiptHandle,
          whole: Body,
        });
      }
    }
    return held;
  }

  async #show({ receiptHandle }: Held): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#config.deadLetterUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }),
    );
  }
}

function letterOf({ id, body, reason, receives }: Held): DeadLetter {
  return { id, body, reason, receives };
}

function whyUnreadable(body: string): string | null {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return "is not JSON";
  }
  const { error } = JobMessage.safeParse(json);
  const [issue] = error?.issues ?? [];
  return issue === undefined ? null : `${issue.path.join(".") || "message"}: ${issue.message}`;
}

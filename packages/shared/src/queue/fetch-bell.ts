import { AwsClient } from "aws4fetch";
import type { AwsCredentials } from "../aws-credentials.ts";
import type { JobBell, QueueConfig } from "./job-queue.ts";

const PATIENCE_MS = 5_000;

/** The bell by fetch and Web Crypto alone: for the edge, where the SDK would be the largest part of the bundle. */
export function createFetchBell(config: QueueConfig, credentials: AwsCredentials): JobBell {
  const { url: queueUrl, region = "us-east-1" } = config;
  const client = new AwsClient({ ...credentials, service: "sqs", region, retries: 1 });
  const endpoint = new URL("/", config.endpoint ?? queueUrl).href;
  return {
    async ring(message, accountId) {
      const response = await client.fetch(endpoint, {
        method: "POST",
        headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage" },
        body: JSON.stringify({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(message),
          MessageGroupId: accountId,
        }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the queue refused a message: ${response.status}`);
    },
  };
}

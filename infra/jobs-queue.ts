import { denyPlainHttp } from "./policies.ts";

/** Bells that nobody could parse end here; see packages/shared/src/queue/message.ts. */
export const deadLetters = new sst.aws.Queue("JobsDeadLetters", {
  transform: { queue: { messageRetentionSeconds: 14 * 24 * 3600, sqsManagedSseEnabled: true } },
});

/** The bell. Workers delete a message as soon as its job is claimed, so its visibility stays short. */
export const jobsQueue = new sst.aws.Queue("Jobs", {
  visibilityTimeout: "30 seconds",
  dlq: { queue: deadLetters.arn, retry: 5 },
  transform: {
    queue: { receiveWaitTimeSeconds: 20, messageRetentionSeconds: 4 * 24 * 3600, sqsManagedSseEnabled: true },
  },
});

/** Nobody else's queue may send its dead here. */
new aws.sqs.RedriveAllowPolicy("JobsDeadLettersSources", {
  queueUrl: deadLetters.url,
  redriveAllowPolicy: $jsonStringify({ redrivePermission: "byQueue", sourceQueueArns: [jobsQueue.arn] }),
});

for (const [name, queue] of Object.entries({ Jobs: jobsQueue, JobsDeadLetters: deadLetters })) {
  new aws.sqs.QueuePolicy(`${name}OverTls`, {
    queueUrl: queue.url,
    policy: denyPlainHttp("sqs:*", [queue.arn]),
  });
}

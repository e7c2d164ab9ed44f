/** Bells that nobody could parse end here; see packages/shared/src/queue/message.ts. */
export const deadLetters = new sst.aws.Queue("JobsDeadLetters", {
  transform: { queue: { messageRetentionSeconds: 14 * 24 * 3600, sqsManagedSseEnabled: true } },
});

/** The bell. Workers delete a message as soon as its job is claimed, so its visibility stays short. */
export const jobsQueue = new sst.aws.Queue("Jobs", {
  visibilityTimeout: "30 seconds",
  dlq: { queue: deadLetters.arn, retry: 5 },
  transform: { queue: { receiveWaitTimeSeconds: 20, sqsManagedSseEnabled: true } },
});

/** What the API may do: ring, and nothing else. Linking the queue itself would grant `sqs:*`. */
export const jobsBell = new sst.Linkable("JobsBell", {
  properties: { url: jobsQueue.url },
  include: [sst.aws.permission({ actions: ["sqs:SendMessage"], resources: [jobsQueue.arn] })],
});

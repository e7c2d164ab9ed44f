import { alarmTopic } from "./alarm-topic.ts";
import { deadLetters, jobsQueue } from "./jobs-queue.ts";

export const topic = alarmTopic("Alarms");

function queueAlarm(
  name: string,
  queue: sst.aws.Queue,
  args: Omit<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator">,
) {
  return new aws.cloudwatch.MetricAlarm(name, {
    namespace: "AWS/SQS",
    dimensions: { QueueName: queue.nodes.queue.name },
    statistic: "Maximum",
    period: 60,
    comparisonOperator: "GreaterThanThreshold",
    // SQS tells nothing of a queue that has been idle for hours.
    treatMissingData: "notBreaching",
    alarmActions: [topic.arn],
    okActions: [topic.arn],
    ...args,
  });
}

queueAlarm("DeadLettersAlarm", deadLetters, {
  alarmDescription: "A message that no worker could read (docs/runbooks.md#deadlettersalarm).",
  metricName: "ApproximateNumberOfMessagesVisible",
  threshold: 0,
  evaluationPeriods: 1,
});

queueAlarm("OldestBellAlarm", jobsQueue, {
  alarmDescription: "Nobody takes the bells: too few workers, or none (docs/runbooks.md#oldestbellalarm).",
  metricName: "ApproximateAgeOfOldestMessage",
  threshold: 900,
  evaluationPeriods: 5,
});

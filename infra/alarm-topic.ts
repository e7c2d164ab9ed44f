import { settings } from "./settings.ts";

/**
 * Who is told. The subscription waits until the address has confirmed it. CloudWatch cannot write to a topic that is
 * encrypted with SNS's own key, and an alarm says nothing secret.
 */
export function alarmTopic(name: string, place: { region?: string } = {}): aws.sns.Topic {
  const topic = new aws.sns.Topic(name, place);
  new aws.sns.TopicSubscription(`${name}Email`, {
    topic: topic.arn,
    protocol: "email",
    endpoint: settings.alarmEmail,
    ...place,
  });
  return topic;
}

import { alarmTopic } from "./alarm-topic.ts";
import { settings } from "./settings.ts";

/** The only region that knows of Route 53's checks. */
const place = { region: "us-east-1" };
const topic = alarmTopic("ApiAlarms", place);

/** Asks from several continents, twice a minute. A 5xx of `/readyz` is the API without its database, or no API. */
const check = new aws.route53.HealthCheck("ApiReady", {
  type: "HTTPS",
  fqdn: settings.domain,
  port: 443,
  resourcePath: "/readyz",
  requestInterval: 30,
  failureThreshold: 3,
  measureLatency: true,
});

new aws.cloudwatch.MetricAlarm("ApiUnreadyAlarm", {
  ...place,
  alarmDescription: "The API answers /readyz with a 5xx, or not at all (docs/runbooks.md#apiunreadyalarm).",
  namespace: "AWS/Route53",
  metricName: "HealthCheckStatus",
  dimensions: { HealthCheckId: check.id },
  statistic: "Minimum",
  period: 60,
  evaluationPeriods: 2,
  threshold: 1,
  comparisonOperator: "LessThanThreshold",
  treatMissingData: "breaching",
  alarmActions: [topic.arn],
  okActions: [topic.arn],
});

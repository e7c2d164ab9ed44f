import { allow } from "./policies.ts";
import { delivererUser } from "./deliverer-user.ts";
import { topic } from "./queue-alarms.ts";

/** Where the CloudWatch agent beside the deliverer writes its metrics (infra/observability/cloudwatch-agent.json). */
const metrics = new aws.cloudwatch.LogGroup("DelivererMetrics", {
  name: `/earshot/${$app.stage}/metrics`,
  retentionInDays: 7,
});

new aws.iam.UserPolicy("DelivererMetricsPolicy", {
  user: delivererUser.name,
  policy: allow([
    {
      Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      Resource: [$interpolate`${metrics.arn}:*`],
    },
  ]),
});

new aws.cloudwatch.MetricAlarm("DeliveriesLateAlarm", {
  alarmDescription:
    "Webhooks that are due are not sent, or the deliverer is silent (docs/runbooks.md#deliverieslatealarm).",
  namespace: `earshot-${$app.stage}`,
  metricName: "earshot_deliveries_oldest_seconds",
  dimensions: { job: "earshot-deliver" },
  statistic: "Maximum",
  period: 60,
  evaluationPeriods: 5,
  threshold: 300,
  comparisonOperator: "GreaterThanThreshold",
  treatMissingData: "breaching",
  alarmActions: [topic.arn],
  okActions: [topic.arn],
});

import { audioBucket } from "./audio-bucket.ts";
import { boxIssuer } from "./box-issuer.ts";
import { jobsQueue } from "./jobs-queue.ts";
import { allow } from "./policies.ts";

/** What a GPU box may do for an hour at a time, once the API has seen who it is. */
export const boxRole = new aws.iam.Role("Box", {
  maxSessionDuration: 3600,
  assumeRolePolicy: $jsonStringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: boxIssuer.arn }, Action: "sts:AssumeRole" }],
  }),
});

new aws.iam.RolePolicy("BoxPolicy", {
  role: boxRole.name,
  policy: allow([
    {
      Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
      Resource: [jobsQueue.arn],
    },
    { Action: ["s3:GetObject"], Resource: [$interpolate`${audioBucket.arn}/uploads/*`] },
    {
      Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
      Resource: [$interpolate`${audioBucket.arn}/results/*`],
    },
  ]),
});

new aws.iam.UserPolicy("BoxIssuerPolicy", {
  user: boxIssuer.name,
  policy: allow([{ Action: ["sts:AssumeRole"], Resource: [boxRole.arn] }]),
});

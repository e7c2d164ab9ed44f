import { AwsClient } from "aws4fetch";
import type { AwsCredentials } from "../aws-credentials.ts";
import { unavailable } from "../domain/errors.ts";

export interface RoleConfig {
  arn: string;
  /** May assume the role, and nothing else. */
  credentials: AwsCredentials;
  region: string;
  /** Of STS; the region's own without it. */
  endpoint?: string | undefined;
}

export interface LentCredentials extends AwsCredentials {
  sessionToken: string;
  expiresAt: Date;
}

const PATIENCE_MS = 10_000;

/**
 * Asks STS for the role's credentials, of which `policy` takes away all but what it names.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 * @param session who has them, in the words of CloudTrail.
 * @throws AppError `unavailable` when STS is away
 */
export async function assumeRole(
  role: RoleConfig,
  { session, seconds, policy }: { session: string; seconds: number; policy: object },
): Promise<LentCredentials> {
  const client = new AwsClient({ ...role.credentials, service: "sts", region: role.region, retries: 1 });
  const asked = client.fetch(role.endpoint ?? `https://sts.${role.region}.amazonaws.com/`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: new URLSearchParams({
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: role.arn,
      RoleSessionName: session,
      DurationSeconds: String(seconds),
      Policy: JSON.stringify(policy),
    }).toString(),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const response = await asked.catch(unavailable);
  const answer = await response.text();
  if (response.status >= 500) return unavailable(new Error(`STS refused: ${response.status}`));
  if (!response.ok) throw new Error(`STS refused: ${response.status} ${elementOf(answer, "Code")}`);
  return {
    accessKeyId: elementOf(answer, "AccessKeyId"),
    secretAccessKey: elementOf(answer, "SecretAccessKey"),
    sessionToken: elementOf(answer, "SessionToken"),
    expiresAt: new Date(elementOf(answer, "Expiration")),
  };
}

/** The answer is flat, and none of these elements comes twice. */
function elementOf(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
  if (text === undefined) throw new Error(`STS answered without ${name}`);
  return text;
}

/** What a box does: takes messages of one queue, reads uploads, writes results, in parts where they are large. The role has the same (infra/box-role.ts). */
export function boxPolicy({ queueArn, bucket }: { queueArn: string; bucket: string | null }): object {
  const allow = (actions: readonly string[], resource: string) => ({
    Effect: "Allow",
    Action: actions,
    Resource: resource,
  });
  return {
    Version: "2012-10-17",
    Statement: [
      allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"], queueArn),
      ...(bucket === null
        ? []
        : [
            allow(["s3:GetObject"], `arn:aws:s3:::${bucket}/uploads/*`),
            allow(["s3:PutObject", "s3:AbortMultipartUpload"], `arn:aws:s3:::${bucket}/results/*`),
          ]),
    ],
  };
}

/** Of `https://sqs.<region>.amazonaws.com/<account>/<name>`. @throws TypeError for a queue that isn't on AWS. */
export function queueArnOf(queueUrl: string): { arn: string; region: string } {
  const [, region, account, name] =
    /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com\/(\d{12})\/([\w-]+(?:\.fifo)?)$/.exec(queueUrl) ?? [];
  if (!region || !account || !name) throw new TypeError("not the URL of a queue on AWS");
  return { arn: `arn:aws:sqs:${region}:${account}:${name}`, region };
}

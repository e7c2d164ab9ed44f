import * as z from "zod";
import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import type { AwsCredentials } from "@earshot/shared/aws-credentials";
import { ConfigError } from "@earshot/shared/config/config-error";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { assumeRole, boxPolicy, queueArnOf } from "@earshot/shared/queue/assume-role";
import type { BoxService } from "./deps.ts";

const credentials = parsedBy(parseAwsCredentials, "is not accessKeyId:secretAccessKey");

/** Of the machines that do the work, the same in every runtime. */
export const BOX_SHAPE = {
  /** As boxes reach it, without a login. */
  BOX_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  /** On AWS: the role that boxes get, and who may assume it. */
  BOX_ROLE_ARN: z
    .string()
    .regex(/^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/)
    .optional(),
  STS_CREDENTIALS: credentials.optional(),
  STS_ENDPOINT: z.url().optional(),
  /** Elsewhere: what an SQS-compatible server wants to see. */
  BOX_QUEUE_CREDENTIALS: credentials.optional(),
};

/** Secrets of `BOX_SHAPE`, for `parseEnv`. */
export const BOX_SECRETS = ["STS_CREDENTIALS", "BOX_QUEUE_CREDENTIALS"] as const;

type Parsed = z.output<z.ZodObject<typeof BOX_SHAPE>>;

interface Surroundings {
  /** Where no other is named for boxes; null where only the API reaches it. */
  databaseUrl: string | null;
  queue: { url: string; endpoint?: string | undefined };
  /** `EARSHOT_BLOBS`. */
  blobs: string;
}

/** How long STS lends, and a database password is good. */
export const BOX_CREDENTIAL_SECONDS = 3_600;

/** Null where boxes can't be told how to reach the database. @throws ConfigError where STS lacks a part. */
export function boxServiceOf(config: Parsed, around: Surroundings): BoxService | null {
  const reachable = config.BOX_DATABASE_URL ?? around.databaseUrl;
  if (reachable === null) return null;
  const databaseUrl = new URL(reachable);
  databaseUrl.username = "";
  databaseUrl.password = "";
  return {
    databaseUrl: databaseUrl.href,
    queue: around.queue,
    blobs: around.blobs.startsWith("s3:") ? around.blobs : null,
    lendCredentials: lenderOf(config, around),
  };
}

function lenderOf(config: Parsed, { queue, blobs }: Surroundings): BoxService["lendCredentials"] {
  const { BOX_ROLE_ARN: arn, STS_CREDENTIALS: may, STS_ENDPOINT: endpoint } = config;
  const fixed: AwsCredentials | null = config.BOX_QUEUE_CREDENTIALS ?? null;
  if (arn === undefined) return async () => fixed;
  if (may === undefined) throw new ConfigError("EARSHOT_BOX_ROLE_ARN needs EARSHOT_STS_CREDENTIALS");
  const { arn: queueArn, region } = queueArnOf(queue.url);
  const policy = boxPolicy({ queueArn, bucket: bucketOnAws(blobs) });
  const role = { arn, credentials: may, region, endpoint };
  return (boxId) => assumeRole(role, { session: boxId, seconds: BOX_CREDENTIAL_SECONDS, policy });
}

/** A bucket elsewhere (R2, MinIO) believes no credentials of AWS. */
function bucketOnAws(blobs: string): string | null {
  const { protocol, hostname, searchParams } = new URL(blobs);
  return protocol === "s3:" && !searchParams.has("endpoint") ? hostname : null;
}

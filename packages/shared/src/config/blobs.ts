import * as z from "zod";
import { parseAwsCredentials } from "../aws-credentials.ts";
import type { AwsCredentials } from "../aws-credentials.ts";
import { ConfigError } from "./config-error.ts";
import { parsedBy } from "./parsed-by.ts";

/** Where blobs lie, as a process on Node is told (for `parseEnv`, which takes the credentials for a secret). */
export const BLOBS_SHAPE = {
  /** `file:///directory`, or `s3://bucket?endpoint=…&region=…`. */
  BLOBS: z.url({ protocol: /^(file|s3)$/ }),
  BLOBS_CREDENTIALS: parsedBy(parseAwsCredentials, "is not accessKeyId:secretAccessKey").optional(),
};

interface BlobsConfig {
  BLOBS: string;
  BLOBS_CREDENTIALS?: AwsCredentials | undefined;
}

/** Null for a directory. @throws ConfigError for a bucket without credentials. */
export function requireBlobsCredentials({ BLOBS, BLOBS_CREDENTIALS }: BlobsConfig): AwsCredentials | null {
  if (BLOBS.startsWith("s3:") && BLOBS_CREDENTIALS === undefined) {
    throw new ConfigError("EARSHOT_BLOBS: a bucket needs EARSHOT_BLOBS_CREDENTIALS");
  }
  return BLOBS_CREDENTIALS ?? null;
}

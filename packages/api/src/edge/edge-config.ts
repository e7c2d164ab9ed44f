import * as z from "zod";
import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import type { AwsCredentials } from "@earshot/shared/aws-credentials";
import { parseS3Location } from "@earshot/shared/blobs/s3-location";
import type { S3Location } from "@earshot/shared/blobs/s3-location";
import { flag, loopback, parseEnv } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { parseResultKeys } from "@earshot/shared/crypto/result-keys";
import type { ResultKeys } from "@earshot/shared/crypto/result-keys";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";
import type { QueueConfig } from "@earshot/shared/queue/job-queue";
import { parseOrigins } from "../cors-origins.ts";
import { parseRateLimits, RATE_LIMITS } from "../rate-limits/rate-limits.ts";
import type { RateLimits } from "../rate-limits/rate-limits.ts";
import { BOX_SECRETS, BOX_SHAPE, boxServiceOf } from "../box-config.ts";
import type { BoxService, TokenSettings } from "../deps.ts";
import { IDENTITY_SHAPE, tokenSettings } from "../identity-config.ts";
import type { IssuerConfig } from "../oidc/issuer-config.ts";

export interface EdgeConfig {
  queue: QueueConfig;
  queueCredentials: AwsCredentials;
  boxes: BoxService | null;
  blobs: S3Location;
  blobsCredentials: AwsCredentials;
  tokens: TokenSettings;
  issuers: readonly IssuerConfig[];
  corsOrigins: readonly string[];
  rateLimits: RateLimits;
  sealKeys: SealKeys;
  /** Null where no result is sealed. */
  resultKeys: ResultKeys | null;
  allowLoopback: LoopbackAllowance;
}

const credentials = parsedBy(parseAwsCredentials, "is not accessKeyId:secretAccessKey");

const SHAPE = {
  PUBLIC_URL: z.url({ protocol: /^https?$/ }),
  ...IDENTITY_SHAPE,
  ...BOX_SHAPE,
  PASSWORDS: flag.refine((isOn) => !isOn, "is for Node: Workers can't hash passwords well"),
  QUEUE_URL: z.url(),
  QUEUE_ENDPOINT: z.url().optional(),
  QUEUE_REGION: z.string().optional(),
  QUEUE_CREDENTIALS: credentials,
  BLOBS: parsedBy(parseS3Location, "is not s3://bucket?endpoint=…&region=…"),
  BLOBS_CREDENTIALS: credentials,
  RATE_LIMITS: parsedBy(parseRateLimits, "is not name=requests/seconds[,…]").default(RATE_LIMITS),
  CORS_ORIGINS: parsedBy(parseOrigins, "is not origin[,origin…]").default([]),
  SEAL_KEYS: parsedBy(parseSealKeys, "is not id:base64[,id:base64…]"),
  RESULT_KEYS: parsedBy(parseResultKeys, "is not id:base64[,id:base64…]").optional(),
  ALLOW_LOOPBACK: loopback,
};

/** @throws ConfigError that names every variable at fault. */
export function readEdgeConfig(env: Env): EdgeConfig {
  const parsed = parseEnv(
    env,
    SHAPE,
    ["QUEUE_CREDENTIALS", "BLOBS_CREDENTIALS", "SEAL_KEYS", "RESULT_KEYS", ...BOX_SECRETS],
    ["RESULT_KEYS"],
  );
  const queue = { url: parsed.QUEUE_URL, endpoint: parsed.QUEUE_ENDPOINT, region: parsed.QUEUE_REGION };
  return {
    queue,
    // Hyperdrive's own address is of no use to anybody else.
    boxes: boxServiceOf(parsed, { databaseUrl: null, queue, blobs: env["EARSHOT_BLOBS"] ?? "" }),
    queueCredentials: parsed.QUEUE_CREDENTIALS,
    blobs: parsed.BLOBS,
    blobsCredentials: parsed.BLOBS_CREDENTIALS,
    rateLimits: parsed.RATE_LIMITS,
    issuers: parsed.OIDC_ISSUERS,
    tokens: tokenSettings(parsed, parsed.PUBLIC_URL.replace(/\/+$/, "")),
    corsOrigins: parsed.CORS_ORIGINS,
    sealKeys: parsed.SEAL_KEYS,
    resultKeys: parsed.RESULT_KEYS ?? null,
    allowLoopback: parsed.ALLOW_LOOPBACK,
  };
}

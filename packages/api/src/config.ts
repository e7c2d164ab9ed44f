import * as z from "zod";
import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import type { AwsCredentials } from "@earshot/shared/aws-credentials";
import { ConfigError, loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { fromBase64 } from "@earshot/shared/crypto/bytes";
import type { Bytes } from "@earshot/shared/crypto/bytes";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";
import { parsedBy } from "./parsed-by.ts";

export interface ApiConfig {
  host: string;
  port: number;
  /** As clients reach the API, without a slash at the end. */
  publicUrl: string;
  databaseUrl: string;
  queue: { url: string; endpoint: string | undefined };
  /** `file:///directory`, or `s3://bucket?endpoint=…&region=…`. */
  blobs: string;
  /** Of the bucket. */
  blobsCredentials: AwsCredentials | null;
  sealKeys: SealKeys;
  /** Signs the URLs of blobs. */
  urlKey: Bytes;
  allowLoopback: LoopbackAllowance;
}

const SHAPE = {
  HOST: z.string().default("127.0.0.1"),
  PORT: wholeNumber(0, 65_535).default(8787),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  QUEUE_URL: z.url(),
  QUEUE_ENDPOINT: z.url().optional(),
  BLOBS: z.url({ protocol: /^(file|s3)$/ }),
  BLOBS_CREDENTIALS: parsedBy(parseAwsCredentials, "is not accessKeyId:secretAccessKey").optional(),
  SEAL_KEYS: parsedBy(parseSealKeys, "is not id:base64[,id:base64…]"),
  URL_KEY: parsedBy(parseUrlKey, "is not base64 of 32 bytes or more"),
  ALLOW_LOOPBACK: loopback,
};

/** @throws ConfigError that names every variable at fault. */
export function readConfig(env: Env): ApiConfig {
  const parsed = parseEnv(env, SHAPE, ["DATABASE_URL", "BLOBS_CREDENTIALS", "SEAL_KEYS", "URL_KEY"]);
  if (parsed.BLOBS.startsWith("s3:") && parsed.BLOBS_CREDENTIALS === undefined) {
    throw new ConfigError("EARSHOT_BLOBS: a bucket needs EARSHOT_BLOBS_CREDENTIALS");
  }
  return {
    host: parsed.HOST,
    port: parsed.PORT,
    publicUrl: (parsed.PUBLIC_URL ?? `http://${parsed.HOST}:${parsed.PORT}`).replace(/\/+$/, ""),
    databaseUrl: parsed.DATABASE_URL,
    queue: { url: parsed.QUEUE_URL, endpoint: parsed.QUEUE_ENDPOINT },
    blobs: parsed.BLOBS,
    blobsCredentials: parsed.BLOBS_CREDENTIALS ?? null,
    sealKeys: parsed.SEAL_KEYS,
    urlKey: parsed.URL_KEY,
    allowLoopback: parsed.ALLOW_LOOPBACK,
  };
}

function parseUrlKey(text: string): Bytes {
  const key = fromBase64(text);
  if (key.length < 32) throw new TypeError("the key is too short");
  return key;
}

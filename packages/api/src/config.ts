import * as z from "zod";
import type { AwsCredentials } from "@earshot/shared/aws-credentials";
import { parseUrlKeys } from "@earshot/shared/blobs/signed-urls";
import type { UrlKeys } from "@earshot/shared/blobs/signed-urls";
import { METRICS_SHAPE } from "@earshot/shared/config/metrics";
import { TRACING_SHAPE } from "@earshot/shared/config/tracing";
import type { TracingConfig } from "@earshot/shared/config/tracing";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import { flag, loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { parseResultKeys } from "@earshot/shared/crypto/result-keys";
import type { ResultKeys } from "@earshot/shared/crypto/result-keys";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import { parseIpRange } from "@earshot/shared/domain/ip-address";
import type { IpRange } from "@earshot/shared/domain/ip-address";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";

import { BOX_SECRETS, BOX_SHAPE, boxServiceOf } from "./box-config.ts";
import type { BoxService, TokenSettings } from "./deps.ts";
import { IDENTITY_SHAPE, tokenSettings } from "./identity-config.ts";
import type { IssuerConfig } from "./oidc/issuer-config.ts";
import { parseOrigins } from "./cors-origins.ts";
import { parseRateLimits, RATE_LIMITS } from "./rate-limits/rate-limits.ts";
import type { RateLimits } from "./rate-limits/rate-limits.ts";

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
  /** Null where no result is sealed. */
  resultKeys: ResultKeys | null;
  /** Of the URLs of uploads. */
  urlKeys: UrlKeys;
  tokens: TokenSettings;
  /** People may sign in by a password. */
  passwords: boolean;
  issuers: readonly IssuerConfig[];
  boxes: BoxService | null;
  corsOrigins: readonly string[];
  rateLimits: RateLimits;
  /** Where requests are counted: `postgres` where several servers share an account. */
  rateStore: "memory" | "postgres";
  /** Whose X-Forwarded-For is believed. */
  trustedProxies: readonly IpRange[];
  allowLoopback: LoopbackAllowance;
  /** Where the process tells of itself. */
  metrics: { METRICS_HOST: string; METRICS_PORT?: number | undefined };
  /** Where it sends its spans. */
  tracing: TracingConfig;
}

const SHAPE = {
  HOST: z.string().default("127.0.0.1"),
  PORT: wholeNumber(0, 65_535).default(8787),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  QUEUE_URL: z.url(),
  QUEUE_ENDPOINT: z.url().optional(),
  ...BLOBS_SHAPE,
  ...METRICS_SHAPE,
  ...TRACING_SHAPE,
  SEAL_KEYS: parsedBy(parseSealKeys, "is not id:base64[,id:base64…]"),
  RESULT_KEYS: parsedBy(parseResultKeys, "is not id:base64[,id:base64…]").optional(),
  URL_KEY: parsedBy(parseUrlKeys, "is not base64[,base64…] of 32 bytes or more"),
  ...IDENTITY_SHAPE,
  ...BOX_SHAPE,
  PASSWORDS: flag,
  CORS_ORIGINS: parsedBy(parseOrigins, "is not origin[,origin…]").default([]),
  RATE_LIMITS: parsedBy(parseRateLimits, "is not name=requests/seconds[,…]").default(RATE_LIMITS),
  RATE_STORE: z.enum(["memory", "postgres"]).default("memory"),
  TRUSTED_PROXIES: parsedBy(parseRanges, "is not address[/bits][,address[/bits]…]").default([]),
  ALLOW_LOOPBACK: loopback,
};

/** @throws ConfigError that names every variable at fault. */
export function readConfig(env: Env): ApiConfig {
  const parsed = parseEnv(
    env,
    SHAPE,
    [
      "DATABASE_URL",
      "BLOBS_CREDENTIALS",
      "SEAL_KEYS",
      "RESULT_KEYS",
      "URL_KEY",
      "OIDC_ISSUERS",
      "OTLP_HEADERS",
      ...BOX_SECRETS,
    ],
    ["RESULT_KEYS"],
  );
  const queue = { url: parsed.QUEUE_URL, endpoint: parsed.QUEUE_ENDPOINT };
  const publicUrl = (parsed.PUBLIC_URL ?? `http://${parsed.HOST}:${parsed.PORT}`).replace(/\/+$/, "");
  return {
    host: parsed.HOST,
    port: parsed.PORT,
    publicUrl,
    issuers: parsed.OIDC_ISSUERS,
    passwords: parsed.PASSWORDS,
    tokens: tokenSettings(parsed, publicUrl),
    databaseUrl: parsed.DATABASE_URL,
    queue,
    boxes: boxServiceOf(parsed, { databaseUrl: parsed.DATABASE_URL, queue, blobs: parsed.BLOBS }),
    blobs: parsed.BLOBS,
    blobsCredentials: requireBlobsCredentials(parsed),
    sealKeys: parsed.SEAL_KEYS,
    resultKeys: parsed.RESULT_KEYS ?? null,
    urlKeys: parsed.URL_KEY,
    corsOrigins: parsed.CORS_ORIGINS,
    rateLimits: parsed.RATE_LIMITS,
    rateStore: parsed.RATE_STORE,
    trustedProxies: parsed.TRUSTED_PROXIES,
    allowLoopback: parsed.ALLOW_LOOPBACK,
    metrics: parsed,
    tracing: parsed,
  };
}

function parseRanges(text: string): IpRange[] {
  const ranges = text.split(",").map((range) => parseIpRange(range.trim()));
  if (!ranges.every((range) => range !== null)) throw new TypeError("not a range");
  return ranges;
}

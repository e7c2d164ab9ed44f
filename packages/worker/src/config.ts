import { METRICS_SHAPE } from "@earshot/shared/config/metrics";
import { TRACING_SHAPE } from "@earshot/shared/config/tracing";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import type { Env } from "@earshot/shared/config/env";
import { loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { parseResultSealKey } from "@earshot/shared/crypto/result-keys";
import { LIMITS } from "@earshot/shared/domain/limits";
import { LOG_LEVELS } from "@earshot/shared/log";
import * as z from "zod";
import { ENGINE_SHAPE } from "./engine-config.ts";

export type WorkerConfig = ReturnType<typeof readWorkerConfig>;

/**
 * What an inference worker is told by its environment (EARSHOT_ + these names).
 * @throws ConfigError
 */
export function readWorkerConfig(env: Env) {
  const config = parseEnv(
    env,
    {
      DATABASE_URL: z.url(),
      QUEUE_URL: z.url(),
      QUEUE_ENDPOINT: z.url().optional(),
      ...BLOBS_SHAPE,
      ...METRICS_SHAPE,
      ...TRACING_SHAPE,
      ...ENGINE_SHAPE,
      // Running jobs of one account, unless the account has a number of its own.
      ACCOUNT_JOBS: wholeNumber(1, 10_000).optional(),
      LEASE_SECONDS: wholeNumber(1, 3_600).default(60),
      MAX_AUDIO_SECONDS: z.coerce.number().positive().default(LIMITS.audioSeconds),
      // The public part: a worker seals, and opens nothing. Not secret, but nobody else may choose it.
      RESULT_SEAL_KEY: parsedBy(parseResultSealKey, "is not id:base64 of 32 bytes").optional(),
      ALLOW_LOOPBACK: loopback,
      LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
    },
    ["DATABASE_URL", "BLOBS_CREDENTIALS", "RESULT_SEAL_KEY", "OTLP_HEADERS"],
    ["RESULT_SEAL_KEY"],
  );
  return { ...config, BLOBS_CREDENTIALS: requireBlobsCredentials(config) };
}

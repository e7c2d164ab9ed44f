import { METRICS_SHAPE } from "@earshot/shared/config/metrics";
import { TRACING_SHAPE } from "@earshot/shared/config/tracing";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import type { Env } from "@earshot/shared/config/env";
import { ConfigError } from "@earshot/shared/config/config-error";
import { loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { parseBoxKey } from "@earshot/shared/crypto/box-assertions";
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
      // Of an enrolled box, in place of the three below: it is told where they are, and given what opens them.
      BOX_KEY: parsedBy(parseBoxKey, "is not what earshot worker enrol wrote").optional(),
      DATABASE_URL: z.url().optional(),
      QUEUE_URL: z.url().optional(),
      QUEUE_ENDPOINT: z.url().optional(),
      ...BLOBS_SHAPE,
      BLOBS: BLOBS_SHAPE.BLOBS.optional(),
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
    ["BOX_KEY", "DATABASE_URL", "BLOBS_CREDENTIALS", "RESULT_SEAL_KEY", "OTLP_HEADERS"],
    // A box is given its own.
    isBox(env) ? [] : ["RESULT_SEAL_KEY"],
  );
  if (config.BOX_KEY !== undefined) return config;
  const missing = (["DATABASE_URL", "QUEUE_URL", "BLOBS"] as const).filter(
    (name) => config[name] === undefined,
  );
  if (missing.length > 0) {
    const names = missing.map((name) => `EARSHOT_${name}`).join(", ");
    throw new ConfigError(`${names}: is missing, and there is no EARSHOT_BOX_KEY_FILE`);
  }
  requireBlobsCredentials({ ...config, BLOBS: config.BLOBS ?? "" });
  return config;
}

function isBox(env: Env): boolean {
  return ["BOX_KEY", "BOX_KEY_FILE"].some((name) => env[`EARSHOT_${name}`]);
}

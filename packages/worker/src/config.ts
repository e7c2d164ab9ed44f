import { METRICS_SHAPE } from "@earshot/shared/config/metrics";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import type { Env } from "@earshot/shared/config/env";
import { loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import { LIMITS } from "@earshot/shared/domain/limits";
import * as z from "zod";
import { ENGINE_SHAPE } from "./engine-config.ts";

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
      ...ENGINE_SHAPE,
      LEASE_SECONDS: wholeNumber(1, 3_600).default(60),
      MAX_AUDIO_SECONDS: z.coerce.number().positive().default(LIMITS.audioSeconds),
      ALLOW_LOOPBACK: loopback,
    },
    ["DATABASE_URL", "BLOBS_CREDENTIALS"],
  );
  return { ...config, BLOBS_CREDENTIALS: requireBlobsCredentials(config) };
}

import { availableParallelism } from "node:os";
import { METRICS_SHAPE } from "@earshot/shared/config/metrics";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import type { Env } from "@earshot/shared/config/env";
import { DEFAULT_HOME } from "@earshot/shared/config/home";
import { loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import { LIMITS } from "@earshot/shared/domain/limits";
import * as z from "zod";

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
      HOME: z.string().default(DEFAULT_HOME),
      MODELS_DIR: z.string().optional(),
      DEVICE: z.enum(["cpu", "cuda", "webgpu"]).default("cpu"),
      // A lane is a process of its own. On a CPU two lanes of one thread beat one lane of two.
      LANES: wholeNumber(1, 64).default(availableParallelism()),
      LANE_THREADS: wholeNumber(1, 64).default(1),
      LEASE_SECONDS: wholeNumber(1, 3_600).default(60),
      MAX_AUDIO_SECONDS: z.coerce.number().positive().default(LIMITS.audioSeconds),
      ALLOW_LOOPBACK: loopback,
    },
    ["DATABASE_URL", "BLOBS_CREDENTIALS"],
  );
  return { ...config, BLOBS_CREDENTIALS: requireBlobsCredentials(config) };
}

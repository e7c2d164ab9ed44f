import { modelCacheIn, DEFAULT_HOME } from "@earshot/shared/config/home";
import { wholeNumber } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import * as z from "zod";
import type { EngineOptions } from "./engine.ts";
import { deviceName, laneEnvironment } from "./inference/device.ts";

const MIB = 1024 ** 2;

/** What an engine is told by the environment (EARSHOT_ + these names). What is left out has the device's default. */
export const ENGINE_SHAPE = {
  HOME: z.string().default(DEFAULT_HOME),
  MODELS_DIR: z.string().optional(),
  MODELS_MANIFEST: z.string().optional(),
  DEVICE: deviceName.default("cpu"),
  DEVICE_FALLBACK: z.literal("cpu").optional(),
  // A lane is a process of its own. On a CPU two lanes of one thread beat one lane of two.
  LANES: wholeNumber(1, 64).optional(),
  LANE_THREADS: wholeNumber(1, 64).default(1),
  BATCH: wholeNumber(1, 256).optional(),
  BATCH_DELAY_MS: wholeNumber(0, 1_000).optional(),
  LANE_MEMORY_MB: wholeNumber(64, 1_048_576).optional(),
  MODEL_MEMORY_MB: wholeNumber(1, 1_048_576).optional(),
};

type EngineConfig = z.output<z.ZodObject<typeof ENGINE_SHAPE>>;

export function engineOptionsOf(config: EngineConfig, env: Env): Omit<EngineOptions, "log"> {
  const { BATCH: maxRows, BATCH_DELAY_MS: delayMs, LANE_MEMORY_MB, MODEL_MEMORY_MB } = config;
  return {
    device: config.DEVICE,
    fallback: config.DEVICE_FALLBACK,
    lanes: config.LANES,
    threads: config.LANE_THREADS,
    batch: { ...(maxRows === undefined ? {} : { maxRows }), ...(delayMs === undefined ? {} : { delayMs }) },
    recycle: LANE_MEMORY_MB === undefined ? {} : { rssBytes: LANE_MEMORY_MB * MIB },
    modelBytes: MODEL_MEMORY_MB === undefined ? undefined : MODEL_MEMORY_MB * MIB,
    laneEnv: laneEnvironment(config.DEVICE, env),
    modelsDir: config.MODELS_DIR,
    manifestFile: config.MODELS_MANIFEST,
    cacheDir: modelCacheIn(config.HOME),
    searchPath: env["PATH"] ?? "",
  };
}

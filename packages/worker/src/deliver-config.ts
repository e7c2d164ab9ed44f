import type { Env } from "@earshot/shared/config/env";
import { ConfigError, loopback, parseEnv } from "@earshot/shared/config/env";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import * as z from "zod";

/**
 * What the deliverer is told by its environment (EARSHOT_ + these names).
 * @throws ConfigError
 */
export function readDelivererConfig(env: Env) {
  const config = parseEnv(
    env,
    { DATABASE_URL: z.url(), SEAL_KEYS: z.string(), BLOBS: z.url(), ALLOW_LOOPBACK: loopback },
    ["DATABASE_URL", "SEAL_KEYS"],
  );
  return { ...config, SEAL_KEYS: sealKeysOf(config.SEAL_KEYS) };
}

function sealKeysOf(text: string): SealKeys {
  try {
    return parseSealKeys(text);
  } catch {
    throw new ConfigError("the configuration is not valid: EARSHOT_SEAL_KEYS: is not id:base64 of 32 bytes");
  }
}

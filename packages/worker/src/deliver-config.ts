import { METRICS_SHAPE } from "@earshot/shared/config/metrics";
import { TRACING_SHAPE } from "@earshot/shared/config/tracing";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import type { Env } from "@earshot/shared/config/env";
import { loopback, parseEnv, wholeNumber } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import * as z from "zod";

const SHAPE = {
  DATABASE_URL: z.url(),
  SEAL_KEYS: parsedBy(parseSealKeys, "is not id:base64[,id:base64…]"),
  ...BLOBS_SHAPE,
  ...METRICS_SHAPE,
  ...TRACING_SHAPE,
  ALLOW_LOOPBACK: loopback,
  // Ed25519, PKCS #8 in base64url: signs the seals of the audit log.
  AUDIT_KEY: z.string().optional(),
  AUDIT_HEAD_FILE: z.string().optional(),
  AUDIT_KEPT_DAYS: wholeNumber(30, 3_650).default(365),
  EVENTS_KEPT_DAYS: wholeNumber(1, 3_650).default(30),
};

export type DelivererConfig = ReturnType<typeof readDelivererConfig>;

/**
 * What the deliverer is told by its environment (EARSHOT_ + these names).
 * @throws ConfigError
 */
export function readDelivererConfig(env: Env) {
  const config = parseEnv(
    env,
    SHAPE,
    ["DATABASE_URL", "SEAL_KEYS", "BLOBS_CREDENTIALS", "AUDIT_KEY", "OTLP_HEADERS"],
    ["AUDIT_KEY"],
  );
  return { ...config, BLOBS_CREDENTIALS: requireBlobsCredentials(config) };
}

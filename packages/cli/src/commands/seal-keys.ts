import { parseEnv } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import { readSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError } from "./command-error.ts";

/** Those of EARSHOT_SEAL_KEYS, else those of the home. @throws CommandError where there are none. */
export async function readSealKeys(env: Env): Promise<SealKeys> {
  const keys = parsedBy(parseSealKeys, "is not id:base64[,id:base64…]").optional();
  const { SEAL_KEYS } = parseEnv(env, { SEAL_KEYS: keys }, ["SEAL_KEYS"]);
  if (SEAL_KEYS !== undefined) return SEAL_KEYS;
  const { home } = readStackConfig(env);
  const text = await readSecret(home.sealKeys);
  if (!text)
    throw missingError(
      `There are no seal keys in ${home.sealKeys}: start the stack once, or set EARSHOT_SEAL_KEYS.`,
    );
  return parseSealKeys(text);
}

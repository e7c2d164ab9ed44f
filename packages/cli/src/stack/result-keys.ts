import { newResultKey, parseResultKeys, resultSealKeyOf } from "@earshot/shared/crypto/result-keys";
import type { Home } from "./home.ts";
import { keepSecret, readSecret, writeSecret } from "./secret-file.ts";

/** The keys that open results are the API's. The worker gets the part of the first that seals, in a file that nobody else can change. */
export async function keepResultKeys(home: Home): Promise<void> {
  const [first] = parseResultKeys(await keepSecret(home.resultKeys, () => newResultKey("r1")));
  const sealKey = await resultSealKeyOf(first);
  if ((await readSecret(home.resultSealKey)) !== sealKey) await writeSecret(home.resultSealKey, sealKey);
}

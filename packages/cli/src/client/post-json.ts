import { ConnectionError } from "@earshot/sdk";

const PATIENCE_MS = 30_000;

/** One request without a credential, for what comes before there is any. @throws ConnectionError, or the signal's reason. */
export async function postJson(
  url: string,
  path: string,
  json: object,
  signal: AbortSignal,
): Promise<{ response: Response; body: unknown }> {
  try {
    const response = await fetch(new URL(path, url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(json),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const body: unknown = await response.json().catch(() => undefined);
    return { response, body };
  } catch (error) {
    signal.throwIfAborted();
    throw new ConnectionError(`No Earshot answers at ${url}.`, { cause: error });
  }
}

import { ApiRefusal, ApiUnreachable } from "./api-error.ts";
import { withRetries } from "./retry.ts";
import type { RetryPolicy } from "./retry.ts";
import type { SessionFile } from "./session-file.ts";

export interface ApiConnection {
  /** Without a path: `http://127.0.0.1:8787`. */
  url: string;
  /** An API key, or the session of `earshot login`. */
  key: string | SessionFile;
  retry: RetryPolicy;
}

export interface ApiRequest {
  method: "GET" | "POST" | "DELETE";
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Of one attempt. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/**
 * One call of the API, repeated as the connection's policy says, and its answer as JSON.
 * @throws ApiRefusal, ApiUnreachable, or the signal's reason.
 */
export function callApi(
  connection: ApiConnection,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<unknown> {
  return withRetries(() => callOnce(connection, request, signal), connection.retry, signal);
}

async function callOnce(
  connection: ApiConnection,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
  try {
    const response = await fetch(new URL(request.path, connection.url), {
      method: request.method,
      headers: await headersOf(connection, request),
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      // A redirect would take the key to another host.
      redirect: "error",
      signal: AbortSignal.any([signal, timeout]),
    });
    const renewed = response.headers.get("earshot-session");
    if (renewed !== null && typeof connection.key === "object") await connection.key.renew(renewed);
    const body = await readJson(response);
    if (!response.ok) throw new ApiRefusal(response.status, response.headers, body);
    return body;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiRefusal) throw error;
    throw new ApiUnreachable(`No Earshot answers at ${connection.url}.`, { cause: error });
  }
}

async function headersOf(
  { key }: ApiConnection,
  { body, headers }: ApiRequest,
): Promise<Record<string, string>> {
  const credential = typeof key === "string" ? key : await key.read();
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  return { authorization: `Bearer ${credential}`, ...type, ...headers };
}

/** undefined: the answer is no JSON, as of a proxy that speaks for itself. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

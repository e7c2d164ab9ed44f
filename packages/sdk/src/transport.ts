import { ApiError, ConnectionError } from "./errors.ts";
import { withRetries } from "./retry.ts";
import type { RetryOptions } from "./retry.ts";

export interface TransportOptions extends RetryOptions {
  /** Where the API is, without a path: `https://api.example.com`. */
  baseUrl: string;
  /** An API key or an access token; as a function it is asked before each request, so that it may be renewed. */
  credential: string | (() => string | Promise<string>);
  /** Default: the runtime's own. */
  fetch?: typeof fetch | undefined;
  /** Of one attempt, without the time that it was asked to wait. Default 30,000. */
  timeoutMs?: number | undefined;
}

/** What fetch takes as a body. */
export type Body = NonNullable<RequestInit["body"]>;

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface Request extends CallOptions {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: object | undefined;
  /** Sent as JSON. */
  json?: unknown;
  headers?: Record<string, string>;
  /** How long the server was asked to take before it answers. */
  waitSeconds?: number | undefined;
  /** A POST that does no harm when it arrives twice. With an Idempotency-Key none does. */
  isRepeatable?: boolean;
}

/** Requests to the API: with the credential, repeated where that helps and does no harm, with errors of one kind. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #fetch: typeof fetch;

  constructor(options: TransportOptions) {
    this.#options = options;
    // Bound: browsers refuse a fetch that is called as a method of something else.
    this.#fetch = (options.fetch ?? globalThis.fetch).bind(globalThis);
  }

  get retry(): RetryOptions {
    return this.#options;
  }

  /** The answer's JSON; undefined where it has none. @throws ApiError, ConnectionError, or the signal's reason. */
  async json<Answer>(request: Request): Promise<Answer> {
    return this.#repeated(request, () => this.#askForJson(request)) as Promise<Answer>;
  }

  /** An answer whose body is still to be read, however long that takes. The signal ends it. */
  async open(request: Request): Promise<Response> {
    return this.#repeated(request, () => this.#ask(request, request.signal));
  }

  /** To a signed URL: without the credential, which is for the API alone. */
  async put(
    url: string,
    init: { headers: Record<string, string>; body: Body },
    signal?: AbortSignal,
  ): Promise<Response> {
    return this.#send(url, { ...init, method: "PUT", ...(signal && { signal }) }, signal);
  }

  #repeated<Answer>(request: Request, attempt: () => Promise<Answer>): Promise<Answer> {
    const isSafe =
      request.method !== "POST" ||
      request.isRepeatable === true ||
      request.headers?.["Idempotency-Key"] !== undefined;
    return withRetries(attempt, isSafe ? this.#options : { retries: 0 }, request.signal);
  }

  async #askForJson(request: Request): Promise<unknown> {
    const { timeoutMs = 30_000 } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs + (request.waitSeconds ?? 0) * 1_000);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    const response = await this.#ask(request, signal);
    const text = await this.#read(response, request.signal);
    return text === "" ? undefined : jsonOf(text);
  }

  async #ask(request: Request, signal: AbortSignal | undefined): Promise<Response> {
    const { credential } = this.#options;
    const key = typeof credential === "string" ? credential : await credential();
    const response = await this.#send(
      urlOf(this.#options.baseUrl, request),
      {
        method: request.method,
        headers: {
          Authorization: `Bearer ${key}`,
          ...(request.json === undefined ? {} : { "Content-Type": "application/json" }),
          ...request.headers,
        },
        ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
        ...(signal && { signal }),
      },
      request.signal,
    );
    return response;
  }

  /** @throws ApiError for any answer but a 2xx; ConnectionError; the caller's reason. */
  async #send(url: string, init: RequestInit, caller: AbortSignal | undefined): Promise<Response> {
    let response: Response;
    try {
      // A redirect would take the credential, or the file, to another host.
      response = await this.#fetch(url, { ...init, redirect: "manual" });
    } catch (cause) {
      caller?.throwIfAborted();
      throw new ConnectionError(`No answer from ${new URL(url).host}.`, { cause });
    }
    if (response.ok) return response;
    const text = await this.#read(response, caller);
    throw new ApiError(response, jsonOf(text));
  }

  async #read(response: Response, caller: AbortSignal | undefined): Promise<string> {
    try {
      return await response.text();
    } catch (cause) {
      caller?.throwIfAborted();
      throw new ConnectionError("The answer broke off.", { cause });
    }
  }
}

function urlOf(baseUrl: string, { path, query }: Request): string {
  const url = new URL(path, baseUrl);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    if (typeof value !== "object") url.searchParams.set(name, String(value));
    else
      for (const [key, text] of Object.entries(value)) url.searchParams.set(`${name}[${key}]`, String(text));
  }
  return url.href;
}

/** undefined: the answer is no JSON, as of a proxy that speaks for itself. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

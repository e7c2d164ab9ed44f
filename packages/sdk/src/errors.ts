import type { Problem } from "./api-types.ts";

/** What every error of this package is, but for a signal's own reason: an abort throws that. */
export class EarshotError extends Error {
  override readonly name: string = "EarshotError";
}

/** The API refused the request, or failed. */
export class ApiError extends EarshotError {
  override readonly name = "ApiError";
  readonly status: number;
  /** From the closed list of the API; `unknown` where something before it answered, such as a proxy. */
  readonly code: Problem["code"] | "unknown";
  /** To be named when you ask for help. */
  readonly requestId: string | null;
  /** Which fields are at fault, by JSON pointer. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** From `Retry-After`. */
  readonly retryAfterSeconds: number | null;

  constructor(response: Response, body: unknown) {
    const problem = isProblem(body) ? body : null;
    super(problem?.detail ?? problem?.title ?? `The API answered with status ${response.status}.`);
    this.status = response.status;
    this.code = problem?.code ?? "unknown";
    this.requestId = problem?.request_id ?? response.headers.get("x-request-id");
    this.errors = problem?.errors ?? [];
    this.retryAfterSeconds = secondsOf(response.headers.get("retry-after"));
  }
}

/** Nobody answered, not in time, or not to the end. */
export class ConnectionError extends EarshotError {
  override readonly name = "ConnectionError";
}

/** Who sent this cannot be told, or it is too old: do nothing of what it says. */
export class WebhookVerificationError extends EarshotError {
  override readonly name = "WebhookVerificationError";
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "title" in body;
}

/** RFC 9110: seconds, or a date. */
function secondsOf(header: string | null): number | null {
  if (header === null) return null;
  const seconds = /^\d+(\.\d+)?$/.test(header.trim())
    ? Number(header)
    : (Date.parse(header) - Date.now()) / 1_000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

import { AppError } from "@earshot/shared/domain/errors";

export type EgressFault = "dns" | "connect" | "tls" | "timeout" | "reset" | "protocol";

/** The far side, or the way to it, failed. What that means (a retry, a job's end) is the caller's to say. */
export class EgressError extends Error {
  readonly kind: EgressFault;

  constructor(kind: EgressFault, options?: { cause: unknown }) {
    super(`the request failed: ${kind}`, options);
    this.name = "EgressError";
    this.kind = kind;
  }
}

/** Codes of node:net, node:http (HPE_… is its parser) and OpenSSL's certificate checks (node's documentation of tls lists them). First match wins. */
const KINDS: readonly (readonly [RegExp, EgressFault])[] = [
  [/^(ECONNRESET|EPIPE|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE)$/, "reset"],
  [/^ETIMEDOUT$/, "timeout"],
  [/^(HPE_|ERR_HTTP)/, "protocol"],
  [/CERT|CRL|^UNABLE_TO_|^ERR_(TLS|SSL|OSSL)|^EPROTO$|^(INVALID|PATH|HOSTNAME|SUBJECT|AKID)_/, "tls"],
];

/**
 * What to throw for an `error` of the network. An abort comes first: it gives the signal's own reason, or
 * a `timeout` where that reason is AbortSignal.timeout's. An AppError and an EgressError stay what they are.
 */
export function egressErrorOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted)
    return isTimeout(signal.reason) ? new EgressError("timeout", { cause: signal.reason }) : signal.reason;
  if (error instanceof EgressError || error instanceof AppError) return error;
  const code = codeOf(error);
  const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? "connect";
  return new EgressError(kind, { cause: error });
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

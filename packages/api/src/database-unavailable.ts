/**
 * What postgres.js and Postgres say when there is nobody to ask: a lost connection, a start or a stop, no free slot. At the edge
 * also a socket that was given up before it was open, and Hyperdrive (58000) when no connection of its pool became free.
 */
const UNAVAILABLE = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "ABORT_ERR",
  "53300",
  "57P01",
  "57P02",
  "57P03",
  "58000",
]);

/** True when `error`, or what caused it, means that Postgres is away for a moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && UNAVAILABLE.has(String(error.code))) return true;
  return isDatabaseUnavailable(error.cause);
}

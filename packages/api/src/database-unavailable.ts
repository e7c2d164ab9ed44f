/**
 * What postgres.js and Postgres say when there is nobody to ask: a lost connection, a start or a stop, no free slot. At the edge
 * also a socket that was given up before it was open, and Hyperdrive (58000) when no connection of its pool became free.
 */
const UNAVAILABLE =
  /^(CONNECT(ION_(CLOSED|ENDED|DESTROYED)|_TIMEOUT)|ECONN(REFUSED|RESET)|ETIMEDOUT|ABORT_ERR|53300|57P0[123]|58000)$/;

/** True when `error`, or what caused it, means that Postgres is away for a moment. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && UNAVAILABLE.test(String(error.code))) || isDatabaseUnavailable(error.cause);
}

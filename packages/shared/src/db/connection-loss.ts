const DRIVER_CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
]);

/**
 * SQLSTATE class 08, and 57P01 to 57P05: the server goes down, comes up, or ended this session. Class 28: it let nobody in by
 * this password, which a box may have changed this very moment.
 */
const SERVER_CODE = /^(08...|28...|57P0[1-5])$/;

/** True when the database could not be reached or went away: the same statement may succeed in a moment. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return DRIVER_CODES.has(code) || SERVER_CODE.test(code) || isConnectionLoss(error.cause);
}

/** SQLSTATE class 28: no such login, no such password, or not any more. */
export function isLoginRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && /^28...$/.test(String(error.code))) || isLoginRefused(error.cause);
}

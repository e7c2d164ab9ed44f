import { expect, test } from "vitest";
import { isDatabaseUnavailable } from "./database-unavailable.ts";

test.each([
  ["the pool at the edge had no connection in time", "58000", true],
  ["a socket was given up before it was open", "ABORT_ERR", true],
  ["the handshake took too long", "CONNECT_TIMEOUT", true],
  ["a constraint refused a row", "23505", false],
] as const)("when %s (%s) the database is away: %s", (_when, code, isAway) => {
  const failed = new Error("Failed query", { cause: Object.assign(new Error("why"), { code }) });
  expect(isDatabaseUnavailable(failed)).toBe(isAway);
});

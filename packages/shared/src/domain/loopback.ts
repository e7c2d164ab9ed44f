/**
 * What somebody else's address may reach on this very machine, by plain http too: nothing (the default), one port (the
 * embedded stack's own webhook receiver), or everything (tests).
 */
export type LoopbackAllowance = boolean | { port: number };

export function allowsLoopback(allowance: LoopbackAllowance, port: number): boolean {
  return typeof allowance === "boolean" ? allowance : allowance.port === port;
}

/** As a URL writes the host of this very machine. */
export function isLoopbackHost(hostname: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

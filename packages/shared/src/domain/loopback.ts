/**
 * What somebody else's address may reach on this very machine, by plain http too: nothing (the default), one port (the
 * embedded stack's own webhook receiver), or everything (tests).
 */
export type LoopbackAllowance = boolean | { port: number };

export function allowsLoopback(allowance: LoopbackAllowance, port: number): boolean {
  return typeof allowance === "boolean" ? allowance : allowance.port === port;
}

import type { SQL } from "drizzle-orm";
import { sql } from "drizzle-orm";

/** The database's clock, `seconds` from now: leases and deadlines never trust a worker's own clock. */
export function fromNow(seconds: number, at?: Date) {
  return sql<Date>`${nowAt(at)} + make_interval(secs => ${seconds})`;
}

/**
 * The database's clock in the precision of its columns, or a time that a test says. `timestamptz(3)` rounds, upwards too: beside a
 * plain now() what became due half a millisecond ago may still lie ahead.
 */
export function nowAt(at?: Date): SQL<Date> {
  return at === undefined ? sql<Date>`now()::timestamptz(3)` : sql<Date>`${at.toISOString()}::timestamptz`;
}

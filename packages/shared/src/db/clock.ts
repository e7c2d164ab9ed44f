import type { SQL } from "drizzle-orm";
import { sql } from "drizzle-orm";

/** The database's clock, `seconds` from now: leases and deadlines never trust a worker's own clock. */
export function fromNow(seconds: number, at?: Date) {
  return sql<Date>`${nowAt(at)} + make_interval(secs => ${seconds})`;
}

/** The database's clock, or a time that a test says. */
export function nowAt(at: Date | undefined): SQL<Date> {
  return at === undefined ? sql<Date>`now()` : sql<Date>`${at.toISOString()}::timestamptz`;
}

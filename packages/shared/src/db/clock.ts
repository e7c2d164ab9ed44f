import { sql } from "drizzle-orm";

/** The database's clock, `seconds` from now: leases and deadlines never trust a worker's own clock. */
export function fromNow(seconds: number) {
  return sql<Date>`now() + make_interval(secs => ${seconds})`;
}

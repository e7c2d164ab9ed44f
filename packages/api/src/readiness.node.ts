import type { OpenDatabase } from "@earshot/shared/db/database";
import { pendingMigrations } from "@earshot/shared/db/migrate";
import type { Readiness } from "./deps.ts";

/** Asks the database, and compares its migrations with those in `directory`. Never throws. */
export function readinessOf(
  sql: OpenDatabase["sql"],
  directory: string,
): (signal: AbortSignal) => Promise<Readiness> {
  return async function readiness(signal) {
    const reachable = await before(signal, sql`select 1`);
    if (!reachable) return { database: "down", migrations: "unknown" };
    const pending = await before(signal, pendingMigrations(sql, directory));
    if (!pending) return { database: "up", migrations: "unknown" };
    return { database: "up", migrations: pending.length === 0 ? "current" : "behind" };
  };
}

/** The answer, or null when there was an error or `signal` aborted first. */
async function before<Answer>(signal: AbortSignal, work: PromiseLike<Answer>): Promise<Answer | null> {
  const aborted = Promise.withResolvers<null>();
  signal.addEventListener("abort", () => aborted.resolve(null), { once: true });
  return Promise.race([Promise.resolve(work).catch(() => null), aborted.promise]);
}

import { lastAppliedMigration } from "@earshot/shared/db/applied-migration";
import type { Database } from "@earshot/shared/db/database";
import type { Readiness } from "../deps.ts";

/** The last file of migrations/: the edge has no files to count. A test compares. */
export const LAST_MIGRATION = 30;

/** As on Node, by number alone. Never throws. */
export function readinessAtEdge(db: Database): (signal: AbortSignal) => Promise<Readiness> {
  return async function readiness(signal) {
    const aborted = Promise.withResolvers<null>();
    signal.addEventListener("abort", () => aborted.resolve(null), { once: true });
    const applied = await Promise.race([lastAppliedMigration(db).catch(() => null), aborted.promise]);
    if (applied === null) return { database: "down", migrations: "unknown" };
    return { database: "up", migrations: applied >= LAST_MIGRATION ? "current" : "behind" };
  };
}

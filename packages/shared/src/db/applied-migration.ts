import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";

/** The number of the last migration that the database has seen; 0 when there is none. Needs no files: for the edge. */
export async function lastAppliedMigration(db: Database): Promise<number> {
  const [row] = await db.execute<{ version: number | null }>(
    sql`select max(version) as version from schema_migrations`,
  );
  return row?.version ?? 0;
}

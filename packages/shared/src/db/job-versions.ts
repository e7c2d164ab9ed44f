import { inArray, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { jobs } from "./schema.ts";

/** For each job that is there a text that is another one after every change of its row. */
export async function readJobVersions(db: Database, jobIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ id: jobs.id, version: sql<string>`${jobs}.xmin::text` })
    .from(jobs)
    .where(inArray(jobs.id, [...jobIds]));
  return new Map(rows.map(({ id, version }) => [id, version]));
}

import { eq, inArray, sql } from "drizzle-orm";
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

export async function findJobAccount(db: Database, jobId: string): Promise<string | null> {
  const [job] = await db.select({ accountId: jobs.accountId }).from(jobs).where(eq(jobs.id, jobId));
  return job?.accountId ?? null;
}

import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { embeddings, jobs } from "./schema.ts";

/** Vectors of one space, each of length 1. */
export interface SeedVector {
  jobId: string;
  space: string;
  vec: number[];
}

/** Of a field of a task's summary: its value, or where a number lies. Of a list: one of its values. */
type SummaryCondition = string | number | boolean | { min?: number | undefined; max?: number | undefined };

/** Which jobs may be found, as POST /v1/search/similar takes it. */
export interface SimilarFilter {
  /** By task, conditions by the path of a field of its summary, such as `scores.rock`. */
  results: Readonly<Record<string, Readonly<Record<string, SummaryCondition>> | undefined>>;
  created_after?: Date | undefined;
  created_before?: Date | undefined;
  metadata: Readonly<Record<string, string>>;
}

export interface SimilarQuery {
  space: string;
  /** Of length 1, with as many dimensions as the space has. */
  vector: readonly number[];
  /** Jobs that are not to be found. */
  without: readonly string[];
  filter: SimilarFilter;
  limit: number;
  /** Compare each, even where the space has an approximate index. */
  exact: boolean;
}

export interface SimilarJob {
  jobId: string;
  /** The cosine of the angle between both vectors. */
  score: number;
  createdAt: Date;
  metadata: Record<string, string>;
  /** Of the file, such as its artist and title. */
  tags: Record<string, string>;
}

/** The vectors of the account's jobs that are there; one a space of each job. */
export async function findVectors(
  db: Database,
  accountId: string,
  jobIds: readonly string[],
): Promise<SeedVector[]> {
  return db
    .select({
      jobId: embeddings.jobId,
      space: embeddings.space,
      // Arrays come back as text where types are not fetched.
      vec: sql<number[]>`to_json(${embeddings.vec})`,
    })
    .from(embeddings)
    .where(and(eq(embeddings.accountId, accountId), inArray(embeddings.jobId, [...jobIds])));
}

/** How many dimensions the account's vectors of a space have; null when there are none. */
export async function dimensionsOf(db: Database, accountId: string, space: string): Promise<number | null> {
  const [found] = await db
    .select({ dimensions: sql<number>`cardinality(${embeddings.vec})` })
    .from(embeddings)
    .where(and(eq(embeddings.accountId, accountId), eq(embeddings.space, space)))
    .limit(1);
  return found?.dimensions ?? null;
}

/**
 * The account's jobs whose vectors point most nearly where `vector` does, the nearest first. The answer is exact where each
 * vector that the filter leaves was compared, and may lack some where it came from an index. Deleted jobs have none.
 */
export async function findSimilarJobs(
  db: Database,
  accountId: string,
  { space, vector, without, filter, limit, exact }: SimilarQuery,
): Promise<{ exact: boolean; jobs: SimilarJob[] }> {
  const found = await db
    .select({
      jobId: jobs.id,
      score: sql<number>`score`,
      exact: sql<boolean>`exact`,
      createdAt: jobs.createdAt,
      metadata: jobs.metadata,
      tags: sql<Record<string, string>>`coalesce(${jobs.inputInfo} -> 'tags', '{}')`,
    })
    .from(jobs)
    .innerJoin(
      sql`nearest_embeddings(${accountId}, ${space}, ${`{${vector}}`}, ${`{${without}}`}, ${JSON.stringify(filter)}, ${limit}, ${exact}) near`,
      and(sql`near.job_id = ${jobs.id}`, isNull(jobs.deletedAt)),
    )
    .orderBy(sql`score desc`, jobs.id);
  return { exact: found[0]?.exact ?? true, jobs: found };
}

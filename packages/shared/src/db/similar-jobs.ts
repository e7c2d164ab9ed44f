import { and, eq, gt, inArray, isNull, lt, notInArray, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import type { Database } from "./database.ts";
import { embeddings, jobs, taskResults } from "./schema.ts";

/** Vectors of one space, each of length 1. */
export interface SeedVector {
  jobId: string;
  space: string;
  vec: number[];
}

/** Of a field of a task's summary: its value, or where a number lies. Of a list: one of its values. */
export type SummaryCondition =
  | string
  | number
  | boolean
  | { min?: number | undefined; max?: number | undefined };

/** Which jobs may be found. Whatever is not asked for does not matter. */
export interface SimilarFilter {
  /** By task, conditions by the path of a field of its summary, such as `scores.rock`. */
  results: Readonly<Record<string, Readonly<Record<string, SummaryCondition>>>>;
  createdAfter: Date | null;
  createdBefore: Date | null;
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
 * The account's jobs whose vectors point most nearly where `vector` does, the nearest first. Each vector that the filter
 * leaves is compared: the answer is exact. Deleted jobs have none.
 */
export function findSimilarJobs(
  db: Database,
  accountId: string,
  { space, vector, without, filter, limit }: SimilarQuery,
): Promise<SimilarJob[]> {
  const ranked = db
    .select({ jobId: embeddings.jobId, score: dotProduct(vector).as("score") })
    .from(embeddings)
    .where(
      and(
        eq(embeddings.accountId, accountId),
        eq(embeddings.space, space),
        without.length === 0 ? undefined : notInArray(embeddings.jobId, [...without]),
        jobCondition(filter),
        ...Object.entries(filter.results).map(([task, conditions]) => resultCondition(task, conditions)),
      ),
    )
    .orderBy(sql`score desc`, embeddings.jobId)
    .limit(limit)
    .as("ranked");
  return db
    .select({
      jobId: jobs.id,
      score: ranked.score,
      createdAt: jobs.createdAt,
      metadata: jobs.metadata,
      tags: sql<Record<string, string>>`coalesce(${jobs.inputInfo} -> 'tags', '{}')`,
    })
    .from(ranked)
    .innerJoin(jobs, and(eq(jobs.id, ranked.jobId), isNull(jobs.deletedAt)))
    .orderBy(sql`score desc`, jobs.id);
}

/** A sum of products: Postgres compiles it to arithmetic, where `unnest` would make rows of every number. */
function dotProduct(vector: readonly number[]): SQL<number> {
  const products = vector.map(
    (value, i) => sql`${embeddings.vec}[${sql.raw(String(i + 1))}] * ${value}::real`,
  );
  return sql`(${sql.join(products, sql.raw(" + "))})`;
}

function jobCondition({ createdAfter, createdBefore, metadata }: SimilarFilter): SQL | undefined {
  const conditions = [
    createdAfter && gt(jobs.createdAt, createdAfter),
    createdBefore && lt(jobs.createdAt, createdBefore),
    Object.keys(metadata).length > 0 && sql`${jobs.metadata} @> ${JSON.stringify(metadata)}::jsonb`,
  ].filter((condition) => typeof condition === "object" && condition !== null);
  if (conditions.length === 0) return undefined;
  return sql`exists (select from ${jobs} where ${and(eq(jobs.id, embeddings.jobId), ...conditions)})`;
}

function resultCondition(task: string, conditions: Readonly<Record<string, SummaryCondition>>): SQL {
  const each = Object.entries(conditions).map(([path, condition]) => {
    const variables = typeof condition === "object" ? condition : { value: condition };
    return sql`jsonb_path_exists(${taskResults.summary}, ${jsonPath(path, condition)}::jsonpath, ${JSON.stringify(variables)}::jsonb)`;
  });
  return sql`exists (select from ${taskResults} where ${and(
    sql`${taskResults.jobId} = ${embeddings.jobId}`,
    sql`${taskResults.task} = ${task}`,
    eq(taskResults.status, "succeeded"),
    ...each,
  )})`;
}

/** SQL/JSON: names are quoted as in JSON, values are variables. `[*]` of what is no list is itself. */
function jsonPath(path: string, condition: SummaryCondition): string {
  const field = path.split(".").map((name) => `.${JSON.stringify(name)}`);
  return `$${field.join("")}[*] ? (${testOf(condition)})`;
}

function testOf(condition: SummaryCondition): string {
  if (typeof condition !== "object") return "@ == $value";
  const limits = [condition.min !== undefined && "@ >= $min", condition.max !== undefined && "@ <= $max"];
  return limits.filter(Boolean).join(" && ");
}

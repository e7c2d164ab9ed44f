import { openPgvector } from "@earshot/testkit/pgvector";
import type { PgvectorDatabase } from "@earshot/testkit/pgvector";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findSimilarJobs } from "./similar-jobs.ts";
import type { SimilarQuery } from "./similar-jobs.ts";
import { clusteredVectors, nearestTo, storeVectors } from "./testing/clustered-vectors.ts";
import { dropVectorIndexes, indexVectors } from "./vector-indexes.ts";

const DIMENSIONS = 32;
const SPACE = "it's@1";
const OWN = clusteredVectors({ count: 4_000, dimensions: DIMENSIONS, clusters: 25, seed: 1 });
/** Another account's lie where those do, and closer together. */
const THEIRS = clusteredVectors({ count: 100, dimensions: DIMENSIONS, clusters: 25, seed: 1, spread: 0.2 });
const QUERIES = clusteredVectors({ count: 20, dimensions: DIMENSIONS, clusters: 25, seed: 1, skip: 4_000 });

let database: PgvectorDatabase;
beforeAll(async () => {
  database = await openPgvector();
  const { sql } = database;
  await storeVectors(sql, { accountId: "acc_own", space: SPACE, vectors: OWN });
  await storeVectors(sql, { accountId: "acc_theirs", space: SPACE, vectors: THEIRS });
  await storeVectors(sql, { accountId: "acc_own", space: "other@1", vectors: QUERIES });
  await sql`analyze`;
  await asOwner(() => indexVectors(sql));
}, 180_000);
afterAll(() => database[Symbol.asyncDispose]());

/** Everything else is done as the API would. */
async function asOwner<T>(work: () => Promise<T>): Promise<T> {
  await database.sql`reset role`;
  const done = await work();
  await database.sql`set role earshot_api`;
  return done;
}

async function search(accountId: string, vector: readonly number[], asked: Partial<SimilarQuery> = {}) {
  const query = {
    space: SPACE,
    vector,
    without: [],
    filter: { results: {}, metadata: {} },
    limit: 10,
    exact: false,
  };
  const { exact, jobs } = await findSimilarJobs(database.db, accountId, { ...query, ...asked });
  return { exact, ids: jobs.map(({ jobId }) => jobId), scores: jobs.map(({ score }) => score) };
}

/** The share of the nearest ten that a search finds. */
async function recall(
  asked: Partial<SimilarQuery> = {},
  isCandidate?: (i: number) => boolean,
): Promise<number> {
  let hits = 0;
  for (const vector of QUERIES) {
    const found = await search("acc_own", vector, asked);
    expect(found).toMatchObject({ exact: false, scores: found.scores.toSorted((a, b) => b - a) });
    const nearest = new Set(
      nearestTo(vector, { accountId: "acc_own", vectors: OWN, ...(isCandidate && { isCandidate }) }),
    );
    hits += found.ids.filter((id) => nearest.has(id)).length;
  }
  return hits / (QUERIES.length * 10);
}

async function scansOfIndex(): Promise<number> {
  const { sql } = database;
  await sql`select pg_stat_force_next_flush()`;
  const [row] = await sql<{ scans: number }[]>`
    select idx_scan::int as scans from pg_stat_user_indexes
    where indexrelname = vector_index_name(${SPACE}, ${DIMENSIONS})`;
  return row?.scans ?? 0;
}

test("the index answers, best first, and finds what comparing each finds", async () => {
  const scans = await scansOfIndex();
  expect(await recall()).toBeGreaterThan(0.99);
  expect(await scansOfIndex()).toBe(scans + QUERIES.length);
});

test("it reads on until a filter has enough; where there turn out not to be enough each is compared", async () => {
  const { sql } = database;
  const tenth = { filter: { results: {}, metadata: { tenth: "0" } } };
  expect(await recall(tenth, (i) => i % 10 === 0)).toBeGreaterThan(0.9);
  // The planner still believes that all jobs are new.
  await asOwner(
    () => sql`update jobs set created_at = now() - interval '1 day' where metadata ->> 'thousandth' <> '0'`,
  );
  const lately = { filter: { results: {}, metadata: {}, created_after: new Date(Date.now() - 3_600_000) } };
  const [vector = []] = QUERIES;
  const scans = await scansOfIndex();
  const isNew = (i: number) => i % 1_000 === 0;
  expect(await search("acc_own", vector, lately)).toMatchObject({
    exact: true,
    ids: nearestTo(vector, { accountId: "acc_own", vectors: OWN, isCandidate: isNew }),
  });
  expect(await scansOfIndex()).toBe(scans + 1);
});

test("another account's vectors are never found, however near, nor is a job that is left out", async () => {
  const [near = []] = THEIRS;
  const found = await search("acc_own", near, { limit: 100 });
  expect(found.exact).toBe(false);
  expect(found.ids.filter((id) => !id.startsWith("acc_own"))).toEqual([]);
  const [first = ""] = found.ids;
  expect((await search("acc_own", near, { without: [first] })).ids).not.toContain(first);
  const theirs = await search("acc_theirs", near, { limit: 100 });
  // Of so few each is compared.
  expect(theirs.exact).toBe(true);
  expect(theirs.ids).toHaveLength(100);
  expect(theirs.ids.filter((id) => !id.startsWith("acc_theirs"))).toEqual([]);
});

test("what a worker adds is found at once", async () => {
  const { sql } = database;
  const [vector = []] = OWN;
  await asOwner(() => sql`delete from embeddings where space = ${SPACE} and job_id = 'acc_own_000000'`);
  await sql`set role earshot_worker`;
  await sql`insert into embeddings (account_id, space, job_id, vec)
    values ('acc_own', ${SPACE}, 'acc_own_000000', ${`{${vector}}`}::text::real[])`;
  await sql`set role earshot_api`;
  const found = await search("acc_own", vector);
  expect([found.exact, found.ids[0]]).toEqual([false, "acc_own_000000"]);
});

test("a second run keeps what is there, makes anew what was broken off, and drops what has no vectors", async () => {
  const { sql } = database;
  const run = async () => (await indexVectors(sql)).map(({ outcome, space }) => [outcome, space]);
  await asOwner(async () => {
    await sql`update pg_index set indisvalid = false
      where indexrelid = vector_index_name('other@1', ${DIMENSIONS})::regclass`;
    expect(await run()).toEqual([
      ["dropped", null],
      ["kept", SPACE],
      ["made", "other@1"],
    ]);
    await sql`delete from embeddings where space = 'other@1'`;
    expect(await run()).toEqual([
      ["dropped", null],
      ["kept", SPACE],
    ]);
  });
});

test("each is compared where that is asked for, and after the index is dropped", async () => {
  const [vector = []] = QUERIES;
  const exactly = { exact: true, ids: nearestTo(vector, { accountId: "acc_own", vectors: OWN }) };
  const near = await search("acc_own", vector);
  expect(near.exact).toBe(false);
  const compared = await search("acc_own", vector, { exact: true });
  expect(compared).toMatchObject(exactly);
  expect(near.scores[0]).toBeCloseTo(compared.scores[0] ?? NaN, 5);
  const dropped = await asOwner(() => dropVectorIndexes(database.sql));
  expect(dropped.map(({ outcome }) => outcome)).toEqual(["dropped"]);
  expect(await search("acc_own", vector)).toMatchObject(exactly);
});

test("a pgvector that cannot read on is refused, and one that the owner may not create is asked of a superuser", async () => {
  const { sql } = database;
  await asOwner(async () => {
    await sql`update pg_extension set extversion = '0.7.4' where extname = 'vector'`;
    await expect(indexVectors(sql)).rejects.toThrow("pgvector 0.7.4 is too old: 0.8 or later");
    await sql`drop extension vector cascade`;
  });
  await expect(indexVectors(sql)).rejects.toThrow("Let a superuser run: create extension vector");
});

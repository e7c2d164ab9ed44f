import { openPgvector } from "@earshot/testkit/pgvector";
import { expect, test } from "vitest";
import { findSimilarJobs } from "./similar-jobs.ts";
import { clusteredVectors, storeVectors } from "./testing/clustered-vectors.ts";
import { indexVectors } from "./vector-indexes.ts";

const COUNT = 20_000;
const QUERIES = 50;

test("among 20,000 vectors of 64 dimensions an index finds the nearest ten in less time than comparing each", async () => {
  await using database = await openPgvector();
  const all = clusteredVectors({ count: COUNT + QUERIES, dimensions: 64, clusters: 100, seed: 1 });
  await storeVectors(database.sql, { accountId: "acc_own", space: "s", vectors: all.slice(0, COUNT) });
  await indexVectors(database.sql);
  const search = async (vector: number[], exact: boolean) => {
    const started = performance.now();
    const filter = { results: {}, metadata: {} };
    const query = { space: "s", vector, without: [], filter, limit: 10, exact };
    const found = await findSimilarJobs(database.db, "acc_own", query);
    expect(found.exact).toBe(exact);
    return { ids: found.jobs.map(({ jobId }) => jobId), ms: performance.now() - started };
  };
  const runs: { recall: number; nearMs: number; exactMs: number }[] = [];
  for (const vector of all.slice(COUNT)) {
    const exact = await search(vector, true);
    const near = await search(vector, false);
    const hits = near.ids.filter((id) => exact.ids.includes(id)).length;
    runs.push({ recall: hits / 10, nearMs: near.ms, exactMs: exact.ms });
  }
  const recall = runs.reduce((sum, run) => sum + run.recall, 0) / QUERIES;
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[QUERIES / 2] ?? NaN;
  const nearMs = median(runs.map((run) => run.nearMs));
  const exactMs = median(runs.map((run) => run.exactMs));
  process.stdout.write(`vector_indexes ${JSON.stringify({ recall, nearMs, exactMs })}\n`);
  expect(recall).toBeGreaterThan(0.95);
  expect(nearMs).toBeLessThan(exactMs);
}, 600_000);

import { expect, test } from "vitest";
import { createCorpus } from "./testing/corpus.ts";
import { fuzz } from "./testing/fuzz.ts";
import { createRandom, mutate } from "./testing/mutate.ts";
import { createPipeline } from "./testing/pipeline.ts";

test("every damaged file of each format ends in a result or a documented code, in bounded time and memory", async () => {
  await using corpus = await createCorpus();
  await using pipeline = await createPipeline();
  const report = await fuzz({ pipeline, corpus, files: 51, seed: 1 });
  expect(Math.max(...Object.values(report.memory.childrenMb))).toBeLessThan(512);
});

test("a seed makes the same damage each time, and another seed other damage", () => {
  const original = Uint8Array.from({ length: 5_000 }, (_, i) => i & 0xff);
  const damaged = (seed: number) => mutate(original, createRandom(seed));
  expect(damaged(7)).toEqual(damaged(7));
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);
  expect(new Set(seeds.map((seed) => damaged(seed).toString("latin1"))).size).toBeGreaterThan(190);
});

import { expect, test } from "vitest";
import { createCorpus } from "./testing/corpus.ts";
import { fuzz } from "./testing/fuzz.ts";
import { createPipeline } from "./testing/pipeline.ts";

const FILES = 2_040;
const TIMEOUT_MS = 90 * 60_000;

test(
  "two thousand damaged files end in results or documented codes, in bounded time and memory",
  async () => {
    await using corpus = await createCorpus();
    await using pipeline = await createPipeline();
    const report = await fuzz({ pipeline, corpus, files: FILES, seed: 10_000 });
    console.log(JSON.stringify(report));
    expect(Math.max(...Object.values(report.memory.childrenMb))).toBeLessThan(512);
    expect(report.memory.ownMb).toBeLessThan(768);
  },
  TIMEOUT_MS,
);

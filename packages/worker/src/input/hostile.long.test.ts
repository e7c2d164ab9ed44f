import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCorpus } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";
import { watchMemory } from "./testing/memory-watch.ts";
import { createPipeline } from "./testing/pipeline.ts";
import type { Pipeline } from "./testing/pipeline.ts";

const TIMEOUT_MS = 60 * 60_000;
const HOURS = 3_600;
/** Of a process that holds the test runner too. DESIGN §11 asks for 64 MB of bare workers, which is the bench's to measure. */
const MAX_OWN_GROWTH_MB = 128;
const MAX_CHILD_GROWTH_MB = 64;

let corpus: Corpus;
let pipeline: Pipeline;
let tenHours: string;

beforeAll(async () => {
  [corpus, pipeline] = await Promise.all([createCorpus(), createPipeline()]);
  tenHours = await makeSilence("ten-hours.flac", 10 * HOURS);
});
afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  await corpus[Symbol.asyncDispose]();
});

/** About 12 bytes for each second. */
function makeSilence(name: string, seconds: number): Promise<string> {
  const silence = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", String(seconds)];
  return corpus.make(name, ...silence, "-c:a", "flac", "-frame_size", "9000");
}

test(
  "with a raised cap ten hours end in a result, and take bounded memory",
  async () => {
    const short = await measure(await makeSilence("ten-minutes.flac", HOURS / 6));
    const long = await measure(tenHours);
    console.log(
      JSON.stringify({ short: short.peaks, long: long.peaks, milliseconds: long.outcome.milliseconds }),
    );
    expect(long.outcome).toMatchObject({ ending: "whole", taskErrors: [] });
    expect(long.outcome.analysis?.input.duration_seconds).toBe(10 * HOURS);
    expect(long.peaks.ownMb - short.peaks.ownMb).toBeLessThan(MAX_OWN_GROWTH_MB);
    for (const [program, megabytes] of Object.entries(long.peaks.childrenMb)) {
      expect(megabytes - (short.peaks.childrenMb[program] ?? 0), program).toBeLessThan(MAX_CHILD_GROWTH_MB);
    }
  },
  TIMEOUT_MS,
);

test(
  "ten hours whose header hides their length are stopped at the default cap",
  async () => {
    const bytes = await readFile(tenHours);
    // The 36 bits of STREAMINFO that count the samples (RFC 9639, section 8.2): 0 is "unknown".
    bytes.writeUInt8((bytes[21] ?? 0) & 0xf0, 21);
    bytes.writeUInt32BE(0, 22);
    const hidden = corpus.path("hidden.flac");
    await writeFile(hidden, bytes);
    const outcome = await pipeline.run(hidden);
    expect(outcome).toMatchObject({ ending: "input_too_long" });
    expect(await pipeline.strayChildren()).toEqual([]);
  },
  TIMEOUT_MS,
);

async function measure(file: string) {
  using watch = watchMemory();
  const outcome = await pipeline.run(file, { maxAudioSeconds: 11 * HOURS });
  return { outcome, peaks: watch.peaks() };
}

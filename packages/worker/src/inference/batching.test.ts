import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../signal/test-signals.ts";
import { writeStandInModels } from "../tasks/music/testing/stand-in-models.ts";
import type { BatchLimits } from "./batcher.ts";
import type { ScanRequest } from "./inference.ts";
import { createLanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import type { Registry } from "./registry.ts";

/** On real graphs in real lanes: what a job is told does not depend on whom it shares its runs with. */
const TOLERANCE = 1e-5;
const MUSIC = "msd-musicnn-1";
const SPEECH = "silero_vad";
const ROW = 576;

let folder: string;
let registry: Registry;
const opened: Lanes[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-batching-"));
  registry = await writeStandInModels(folder);
});
afterAll(async () => {
  await Promise.all(opened.map((lanes) => lanes.close()));
  await rm(folder, { recursive: true });
});

async function open(count: number, batch: Partial<BatchLimits>): Promise<Lanes> {
  const lanes = await createLanes({ count, threads: 1, device: "cpu", registry, log: silentLog, batch });
  opened.push(lanes);
  return lanes;
}

/** Something like speech: a buzz that comes and goes, so that the model's state matters. */
function voice(seed: number, rows: number): Float32Array {
  const random = seededRandom(seed);
  const pitch = 60 + 100 * random();
  return Float32Array.from({ length: rows * ROW }, (_, i) => {
    const gate = Math.sin((i / 16_000) * 9 + seed) > 0 ? 1 : 0.02;
    return gate * (0.3 * Math.sign(Math.sin((i * pitch * Math.PI * 2) / 16_000)) + 0.1 * (random() - 0.5));
  });
}

/** One stream, scanned in parts of the given numbers of rows. */
async function scanned(lanes: Lanes, rows: Float32Array, parts: readonly number[], gap: () => Promise<void>) {
  const { signal } = new AbortController();
  const outputs: number[] = [];
  let [state, first] = [new Float32Array(256), 0];
  for (const part of parts) {
    await gap();
    const request: ScanRequest = { rows: rows.subarray(first * ROW, (first + part) * ROW), state };
    const found = await lanes.scan(SPEECH, request, signal);
    outputs.push(...found.outputs);
    state = found.state as Float32Array<ArrayBuffer>;
    first += part;
  }
  return [...outputs, ...state];
}

function worst(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length || found.length === 0) return NaN;
  return Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
}

const atOnce = async () => {};

test.each([1, 2, 3])(
  "streams of speech that share steps say what each says alone (schedule %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const streams = Array.from({ length: 7 }, (_, i) => {
      const parts = Array.from({ length: 1 + Math.floor(random() * 5) }, () => 1 + Math.floor(random() * 40));
      return {
        parts,
        rows: voice(
          seed * 10 + i,
          parts.reduce((sum, part) => sum + part, 0),
        ),
      };
    });
    const alone = await open(1, {});
    const expected: number[][] = [];
    for (const { rows, parts } of streams) expected.push(await scanned(alone, rows, parts, atOnce));

    const shared = await open(2, { maxRows: 8, isPadded: seed === 2 });
    const sometimes = async () => {
      for (let turns = random() * 4; turns > 1; turns--)
        await new Promise((resolve) => setImmediate(resolve));
    };
    const found = await Promise.all(
      streams.map(({ rows, parts }) => scanned(shared, rows, parts, sometimes)),
    );
    for (const [index, values] of found.entries()) {
      expect(worst(values, expected[index] ?? []), `stream ${index}`).toBeLessThan(TOLERANCE);
    }
    const { batches, rows } = shared.observe().models[`${SPEECH}@6.2`] ?? { batches: 0, rows: 0 };
    expect(rows).toBeGreaterThan(batches);
  },
);

test.each([false, true])(
  "patches of several jobs in one run say what each says alone (padded: %s)",
  async (isPadded) => {
    const random = seededRandom(5);
    const dims = [1, 187, 96];
    const jobs = Array.from({ length: 5 }, () => ({
      job: new AbortController(),
      patches: Array.from({ length: 1 + Math.floor(random() * 9) }, () =>
        Float32Array.from({ length: 187 * 96 }, () => 4 * random()),
      ),
    }));
    const ask = (lanes: Lanes) =>
      jobs.flatMap(({ job, patches }) =>
        patches.map(async (data) => {
          const found = await lanes.run(MUSIC, { melspectrogram: { data, dims } }, job.signal);
          expect(found["activations"]?.dims).toEqual([1, 50]);
          return [...(found["activations"]?.data ?? []), ...(found["embeddings"]?.data ?? [])];
        }),
      );
    const expected = await Promise.all(ask(await open(1, { maxRows: 1 })));
    const shared = await open(1, { maxRows: 8, delayMs: 5, isPadded });
    const found = await Promise.all(ask(shared));
    for (const [index, values] of found.entries()) {
      expect(worst(values, expected[index] ?? [])).toBeLessThan(TOLERANCE);
    }
    expect(new Set(found.map(String)).size).toBe(found.length);
    const { batches, rows } = shared.observe().models[`${MUSIC}@1`] ?? { batches: 0, rows: 0 };
    expect(rows / batches).toBeGreaterThan(3);
  },
);

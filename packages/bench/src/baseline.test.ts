import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { comparedWith, readBaseline, writeBaseline } from "./baseline.ts";
import type { Baseline } from "./baseline.ts";

const RUN = { date: "2026-11-25", machine: { cores: 2, cpu: "AMD EPYC", node: "v24.21.0" } };
const FIGURES = {
  "submit.overhead": { value: 1.2, goal: 1.5 },
  "latency.wakeup": { value: 2.4, goal: 2 },
  "pipeline.efficiency": { value: 0.8, goal: 0.85, moreIsBetter: true as const },
  "pipeline.vs_raw": { value: 0.93, moreIsBetter: true as const },
};

async function writeBoth(document: string) {
  const directory = await mkdtemp(join(tmpdir(), "earshot-baseline-"));
  const places = { baseline: join(directory, "baseline.json"), document: join(directory, "performance.md") };
  await writeFile(places.document, document);
  const written = writeBaseline({ ...RUN, figures: FIGURES, details: { rounds: 5 } }, places);
  return { places, written, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test("a baseline is written as it is read, and its table takes the place of the one before", async () => {
  await using both = await writeBoth("before\n<!-- baseline -->\nstale\n<!-- /baseline -->\nafter\n");
  await both.written;
  const { figures } = await readBaseline(both.places.baseline);
  expect(figures).toEqual({
    "submit.overhead": 1.2,
    "latency.wakeup": 2.4,
    "pipeline.efficiency": 0.8,
    "pipeline.vs_raw": 0.93,
  });
  const document = await readFile(both.places.document, "utf8");
  expect(document).toMatch(/^before\n<!-- baseline -->\n2 cores \(AMD EPYC\)/);
  expect(document).toMatch(/\n<!-- \/baseline -->\nafter\n$/);
  expect(document).not.toContain("stale");
  expect(document).toContain("| `submit.overhead` | 1.2 | ≤ 1.5 |");
  expect(document).toContain("| `latency.wakeup` | **2.4** | ≤ 2 |");
  expect(document).toContain("| `pipeline.efficiency` | **0.8** | ≥ 0.85 |");
  expect(document).toContain("| `pipeline.vs_raw` | 0.93 |  |");
});

test("a document without a place for the table leaves the baseline as it is", async () => {
  await using both = await writeBoth("nothing\n");
  await expect(both.written).rejects.toThrow("no place");
  await expect(readBaseline(both.places.baseline)).rejects.toMatchObject({ code: "ENOENT" });
});

test("worse is slower by more than a quarter, whichever way the figure goes", () => {
  const before = (value: number): Baseline => ({ ...RUN, figures: { less: value, more: value, gone: 1 } });
  const now = { less: { value: 1 }, more: { value: 1, moreIsBetter: true as const }, fresh: { value: 1 } };
  const isWorse = (baseline: Baseline) =>
    Object.entries(comparedWith(baseline, now)).map(([name, found]) => [name, found.isWorse]);
  expect(isWorse(before(1))).toEqual([
    ["less", false],
    ["more", false],
  ]);
  expect(isWorse(before(0.79))).toEqual([
    ["less", true],
    ["more", false],
  ]);
  expect(isWorse(before(1.26))).toEqual([
    ["less", false],
    ["more", true],
  ]);
});

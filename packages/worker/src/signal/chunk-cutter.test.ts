import { expect, test } from "vitest";
import { ChunkCutter } from "./chunk-cutter.ts";

function cut(length: number, blockSamples: number): number[][] {
  const cutter = new ChunkCutter(4, 3);
  const samples = Float32Array.from({ length }, (_, i) => i + 1);
  const chunks: Float32Array[] = [];
  for (let at = 0; at < length; at += blockSamples)
    chunks.push(...cutter.push(samples.subarray(at, at + blockSamples)));
  const rest = cutter.rest();
  return [...chunks, ...(rest === null ? [] : [rest])].map((chunk) => [...chunk]);
}

test.each([1, 2, 5, 100])("chunks overlap, and the rest stands before zeros: blocks of %i", (block) => {
  expect(cut(9, block)).toEqual([
    [1, 2, 3, 4],
    [4, 5, 6, 7],
    [7, 8, 9, 0],
  ]);
});

test("there is no rest where every sample was in a chunk, and none of nothing", () => {
  expect(cut(7, 2)).toHaveLength(2);
  expect(cut(0, 1)).toEqual([]);
  expect(cut(2, 1)).toEqual([[1, 2, 0, 0]]);
});

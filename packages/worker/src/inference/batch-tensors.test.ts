import { expect, test } from "vitest";
import { isBatchable, joinRows, rowsOf, splitRows } from "./batch-tensors.ts";
import type { TensorSpec } from "./manifest.ts";

const specs: Record<string, TensorSpec> = {
  x: { type: "float32", shape: ["streams", 2] },
  state: { type: "float32", shape: [2, "streams", 1] },
};
const tensor = (values: readonly number[], dims: readonly number[]) => ({
  data: Float32Array.from(values),
  dims,
});

const one = { x: tensor([1, 2], [1, 2]), state: tensor([10, 20], [2, 1, 1]) };
const two = { x: tensor([3, 4, 5, 6], [2, 2]), state: tensor([11, 12, 21, 22], [2, 2, 1]) };

test("calls are put together along the named dimension, wherever it is, and filled up with zeros", () => {
  expect(joinRows(specs, [one, two], 4)).toEqual({
    x: tensor([1, 2, 3, 4, 5, 6, 0, 0], [4, 2]),
    state: tensor([10, 11, 12, 0, 20, 21, 22, 0], [2, 4, 1]),
  });
});

test("each call gets its own rows back, in memory of their own", () => {
  const split = splitRows(specs, joinRows(specs, [one, two], 4), [1, 2]);
  expect(split).toEqual([one, two]);
  expect(split[0]?.["x"]?.data.buffer.byteLength).toBe(8);
});

test("rows are counted along the named dimension", () => {
  expect(rowsOf(specs, two)).toBe(2);
  expect(isBatchable(specs)).toBe(true);
});

test("a model without a named dimension takes one call at a time", () => {
  const fixed: Record<string, TensorSpec> = { x: { type: "float32", shape: [1, 2] } };
  expect(rowsOf(fixed, { x: tensor([1, 2], [1, 2]) })).toBe(1);
  expect(isBatchable(fixed)).toBe(false);
  expect(() => joinRows(fixed, [one, one], 2)).toThrow("can't be put together");
});

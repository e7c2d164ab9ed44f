import { expect, test } from "vitest";
import { RowStore } from "./row-store.ts";

test("rows come out in order, whatever order they were written in, over any number of blocks", () => {
  const store = new RowStore(2, Float32Array);
  const rows = 2_500;
  for (let row = rows - 1; row >= 0; row--) store.set(row, Float32Array.of(row, -row));
  const all = store.take(rows);
  expect(all).toHaveLength(2 * rows);
  expect(Array.from({ length: rows }, (_, row) => all[2 * row])).toEqual(
    Array.from({ length: rows }, (_, row) => row),
  );
  expect(all[2 * rows - 1]).toBe(1 - rows);
});

test("no row is no array", () => {
  expect(new RowStore(3, Float32Array).take(0)).toHaveLength(0);
});

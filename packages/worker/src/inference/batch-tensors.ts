import type { Tensor, Tensors } from "./inference.ts";
import type { TensorSpec } from "./manifest.ts";

type Specs = Readonly<Record<string, TensorSpec>>;

/** Along which a model's tensors are put together: the dimension that has a name. -1: there is none. */
function batchAxis({ shape }: TensorSpec): number {
  return shape.findIndex((dimension) => typeof dimension === "string");
}

/** Patches or streams in the tensors of one call; 1 for a model that takes one at a time. */
export function rowsOf(specs: Specs, tensors: Tensors): number {
  for (const [name, spec] of Object.entries(specs)) {
    const rows = tensors[name]?.dims[batchAxis(spec)];
    if (rows !== undefined) return rows;
  }
  return 1;
}

export function isBatchable(specs: Specs): boolean {
  return Object.values(specs).some((spec) => batchAxis(spec) >= 0);
}

/** The calls' tensors as those of one call of `rows`, which may be more than they have: the rest is zeros. */
export function joinRows(specs: Specs, calls: readonly Tensors[], rows: number): Tensors {
  const names = Object.keys(calls[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const parts = calls.map((call) => call[name]).filter((part) => part !== undefined);
      return [name, joined(specs[name], parts, rows)];
    }),
  );
}

/** A model's outputs as those of the calls of so many rows that it was put together of. */
export function splitRows(specs: Specs, outputs: Tensors, counts: readonly number[]): Tensors[] {
  let first = 0;
  return counts.map((count) => {
    const from = first;
    first += count;
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, part(specs[name], tensor, from, count)]),
    );
  });
}

function joined(spec: TensorSpec | undefined, parts: readonly Tensor[], rows: number): Tensor {
  const [one] = parts;
  const axis = spec === undefined ? -1 : batchAxis(spec);
  if (one === undefined || axis < 0) throw new Error("these tensors can't be put together");
  const { outer, inner } = around(one.dims, axis);
  const data = new Float32Array(outer * rows * inner);
  for (let block = 0; block < outer; block++) {
    let row = block * rows;
    for (const { data: values, dims } of parts) {
      const count = dims[axis] ?? 0;
      data.set(values.subarray(block * count * inner, (block + 1) * count * inner), row * inner);
      row += count;
    }
  }
  return { data, dims: one.dims.with(axis, rows) };
}

/** A copy, so that no call keeps the others' answers in memory. */
function part(spec: TensorSpec | undefined, { data, dims }: Tensor, first: number, count: number): Tensor {
  const axis = spec === undefined ? -1 : batchAxis(spec);
  if (axis < 0) return { data: data.slice(), dims };
  const { outer, inner } = around(dims, axis);
  const rows = dims[axis] ?? 0;
  const values = new Float32Array(outer * count * inner);
  for (let block = 0; block < outer; block++) {
    const from = (block * rows + first) * inner;
    values.set(data.subarray(from, from + count * inner), block * count * inner);
  }
  return { data: values, dims: dims.with(axis, count) };
}

function around(dims: readonly number[], axis: number): { outer: number; inner: number } {
  const product = (some: readonly number[]) => some.reduce((size, dimension) => size * dimension, 1);
  return { outer: product(dims.slice(0, axis)), inner: product(dims.slice(axis + 1)) };
}

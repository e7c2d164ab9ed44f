import type { Tensors } from "./inference.ts";
import type { ModelSpec, TensorSpec } from "./manifest.ts";

/** How many values of an output are kept, at equal distances: enough that no damage passes, few enough to read. */
const KEPT_VALUES = 16;

/** A small input by formula, for one patch or stream. null: the manifest has no probe of the model. */
export function probeFeeds({ inputs, probe }: ModelSpec): Tensors | null {
  if (probe === undefined) return null;
  const { offset, amplitude, step } = probe;
  const given = Object.entries(inputs).filter(([, { value }]) => value === undefined);
  return Object.fromEntries(
    given.map(([name, spec]) => {
      const dims = sizesOf(spec);
      const length = dims.reduce((size, dimension) => size * dimension, 1);
      const data = Float32Array.from({ length }, (_, i) => offset + amplitude * Math.sin(step * i));
      return [name, { data, dims }];
    }),
  );
}

/** What is wrong with a model's answer to its probe; null when nothing is. */
export function probeError({ probe }: ModelSpec, found: Tensors): string | null {
  for (const [name, expected] of Object.entries(probe?.outputs ?? {})) {
    const values = sampled(found[name]?.data ?? new Float32Array());
    const wrong = expected.findIndex((value, i) => !isNear(values[i] ?? NaN, value, probe?.tolerance ?? 0));
    if (wrong >= 0) return `${name} is ${values[wrong]} where ${expected[wrong]} is right`;
    if (values.length !== expected.length) return `${name} has not as many values as it should`;
  }
  return null;
}

/** The values of an output that a probe is about. */
export function sampled(values: Float32Array): number[] {
  const every = Math.max(1, Math.ceil(values.length / KEPT_VALUES));
  return [...values].filter((_, i) => i % every === 0);
}

/** A NaN is near nothing. */
function isNear(found: number, expected: number, tolerance: number): boolean {
  return Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected));
}

function sizesOf({ shape }: TensorSpec): number[] {
  return shape.map((dimension) => (typeof dimension === "number" ? dimension : 1));
}

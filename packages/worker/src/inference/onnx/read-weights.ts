import * as z from "zod";
import { DATA_TYPE, MODEL_PROTO } from "./schema.ts";

/** Row-major float32 constants of a graph. */
export interface Weights {
  dims: readonly number[];
  values: Float32Array;
}

const model = z.object({
  graph: z.object({
    initializer: z.array(
      z.object({
        name: z.string(),
        dims: z.array(z.int().nonnegative()),
        data_type: z.int(),
        raw_data: z.instanceof(Uint8Array),
      }),
    ),
  }),
});

/** The float32 constants of a model file by name. @throws Error when it is not one, or holds them in another way. */
export function readWeights(bytes: Uint8Array): Map<string, Weights> {
  const decoded = MODEL_PROTO.toObject(MODEL_PROTO.decode(bytes), { longs: Number, arrays: true });
  const { initializer } = model.parse(decoded).graph;
  const floats = initializer.filter(({ data_type }) => data_type === DATA_TYPE.float32);
  return new Map(
    floats.map(({ name, dims, raw_data }) => [name, { dims, values: valuesOf(name, dims, raw_data) }]),
  );
}

function valuesOf(name: string, dims: readonly number[], raw: Uint8Array): Float32Array {
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (raw.length !== 4 * size) throw new Error(`${name} holds ${raw.length} bytes where ${4 * size} are due`);
  // ONNX is little-endian, and so is everything that onnxruntime runs on. A copy is aligned.
  return new Float32Array(Uint8Array.from(raw).buffer);
}

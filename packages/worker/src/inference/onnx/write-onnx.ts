import { ATTRIBUTE_TYPE, DATA_TYPE, MODEL_PROTO } from "./schema.ts";
import type { Weights } from "./read-weights.ts";

/** A graph of float32 tensors, but for those inputs that are said to be of another type. */
export interface Graph {
  name: string;
  inputs: Readonly<Record<string, Shape>>;
  types?: Readonly<Record<string, keyof typeof DATA_TYPE>>;
  outputs: Readonly<Record<string, Shape>>;
  constants: Readonly<Record<string, Weights>>;
  nodes: readonly Node[];
}

/** A word is a dimension that the caller chooses. */
export type Shape = readonly (number | string)[];

export interface Node {
  op: string;
  inputs: readonly string[];
  output: string;
  /** A bare number is an integer. */
  attributes?: Readonly<Record<string, number | readonly number[] | { float: number }>>;
}

const IR_VERSION = 8;
const OPSET = 13;

/** The bytes of a model file. */
export function writeOnnx({ name, inputs, types = {}, outputs, constants, nodes }: Graph): Uint8Array {
  const message = MODEL_PROTO.fromObject({
    ir_version: IR_VERSION,
    producer_name: "earshot",
    opset_import: [{ domain: "", version: OPSET }],
    graph: {
      name,
      node: nodes.map(nodeOf),
      initializer: Object.entries(constants).map(([constant, weights]) => tensorOf(constant, weights)),
      input: Object.entries(inputs).map(([input, shape]) => valueOf(input, shape, types[input])),
      output: Object.entries(outputs).map(([output, shape]) => valueOf(output, shape)),
    },
  });
  return MODEL_PROTO.encode(message).finish();
}

function nodeOf({ op, inputs, output, attributes = {} }: Node) {
  const attribute = Object.entries(attributes).map(([name, value]) => {
    if (typeof value === "number") return { name, i: value, type: ATTRIBUTE_TYPE.int };
    if ("float" in value) return { name, f: value.float, type: ATTRIBUTE_TYPE.float };
    return { name, ints: value, type: ATTRIBUTE_TYPE.ints };
  });
  return { op_type: op, name: output, input: inputs, output: [output], attribute };
}

function tensorOf(name: string, { dims, values }: Weights) {
  const raw_data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims, data_type: DATA_TYPE.float32, raw_data };
}

function valueOf(name: string, shape: Shape, type: keyof typeof DATA_TYPE = "float32") {
  const dim = shape.map((size) => (typeof size === "number" ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: DATA_TYPE[type], shape: { dim } } } };
}

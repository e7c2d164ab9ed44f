/** As much of ONNX's protobuf (onnx.proto3) as a small graph of float32 tensors needs. */
export interface Graph {
  inputs: Readonly<Record<string, Shape>>;
  outputs: Readonly<Record<string, Shape>>;
  constants: Readonly<Record<string, { dims: readonly number[]; values: Float32Array }>>;
  nodes: readonly Node[];
}

/** A word is a dimension that the caller chooses. */
export type Shape = readonly (number | string)[];

export interface Node {
  op: string;
  inputs: readonly string[];
  output: string;
  attributes?: Readonly<Record<string, number | readonly number[]>>;
}

const IR_VERSION = 8;
const OPSET = 13;
const FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** The bytes of a model file. */
export function writeOnnx(graph: Graph): Buffer {
  return Buffer.concat([
    int(1, IR_VERSION),
    field(7, graphBytes(graph)),
    field(8, Buffer.concat([text(1, ""), int(2, OPSET)])),
  ]);
}

function graphBytes({ nodes, constants, inputs, outputs }: Graph): Buffer {
  return Buffer.concat([
    ...nodes.map((node) => field(1, nodeBytes(node))),
    text(2, "stand-in"),
    ...Object.entries(constants).map(([name, constant]) => field(5, constantBytes(name, constant))),
    ...Object.entries(inputs).map(([name, shape]) => field(11, valueBytes(name, shape))),
    ...Object.entries(outputs).map(([name, shape]) => field(12, valueBytes(name, shape))),
  ]);
}

function nodeBytes({ op, inputs, output, attributes = {} }: Node): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => field(5, attributeBytes(name, value))),
  ]);
}

function attributeBytes(name: string, value: number | readonly number[]): Buffer {
  if (typeof value === "number") return Buffer.concat([text(1, name), int(3, value), int(20, ATTRIBUTE_INT)]);
  return Buffer.concat([text(1, name), ...value.map((item) => int(8, item)), int(20, ATTRIBUTE_INTS)]);
}

function constantBytes(name: string, { dims, values }: Graph["constants"][string]): Buffer {
  const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([...dims.map((dim) => int(1, dim)), int(2, FLOAT), text(8, name), field(9, raw)]);
}

function valueBytes(name: string, shape: Shape): Buffer {
  const dims = shape.map((dim) => field(1, typeof dim === "number" ? int(1, dim) : text(2, dim)));
  const tensor = Buffer.concat([int(1, FLOAT), field(2, Buffer.concat(dims))]);
  return Buffer.concat([text(1, name), field(2, field(1, tensor))]);
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value));
}

/** Length-delimited. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function int(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
}

import type { ModelSpec } from "../manifest.ts";
import { writeOnnx } from "../onnx/write-onnx.ts";
import type { Node } from "../onnx/write-onnx.ts";

/** A mean amplitude of 0.02 is as loud as it gets. */
const FULL_AT = 0.02;

/**
 * Bytes of a graph of the model's contract, with one input, that knows only how loud its input is: each output is its pattern,
 * by the index in one row of it, times the loudness from 0 to 1.
 */
export function loudnessGraph(
  { id, inputs, outputs }: ModelSpec,
  patterns: Readonly<Record<string, (index: number) => number>>,
): Uint8Array {
  const [[input = "", { shape = [] } = {}] = []] = Object.entries(inputs);
  const named = Object.entries(outputs);
  const nodes: Node[] = [{ op: "Abs", inputs: [input], output: "size" }];
  let mean = "size";
  for (let axis = shape.length - 1; axis > 0; axis--) {
    const output = `mean.${axis}`;
    nodes.push({ op: "ReduceMean", inputs: [mean], output, attributes: { axes: [axis], keepdims: 0 } });
    mean = output;
  }
  nodes.push({ op: "Mul", inputs: [mean, "scale"], output: "scaled" });
  nodes.push({ op: "Clip", inputs: ["scaled", "none", "all"], output: "loudness" });
  const constants = Object.fromEntries(
    named.map(([name, output], index) => {
      const pattern = patterns[name];
      if (pattern === undefined) throw new Error(`no pattern for the output ${name} of ${id}`);
      const row = output.shape.slice(1).map(Number);
      const length = row.reduce((size, dimension) => size * dimension, 1);
      // One row is what a call has on a CPU: [1] times [1, …].
      nodes.push({ op: "Mul", inputs: ["loudness", `pattern.${index}`], output: name });
      return [
        `pattern.${index}`,
        { dims: [1, ...row], values: Float32Array.from({ length }, (_, i) => pattern(i)) },
      ];
    }),
  );
  return writeOnnx({
    name: "loudness",
    inputs: { [input]: shape },
    outputs: Object.fromEntries(named.map(([name, output]) => [name, output.shape])),
    constants: {
      ...constants,
      scale: { dims: [1], values: Float32Array.of(1 / FULL_AT) },
      none: { dims: [], values: Float32Array.of(0) },
      all: { dims: [], values: Float32Array.of(1) },
    },
    nodes,
  });
}

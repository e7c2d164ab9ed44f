import type { Weights } from "../onnx/read-weights.ts";
import type { Node } from "../onnx/write-onnx.ts";

/** Collects nodes and constants. What a node gives is called like the node, and each has a number of its own. */
export class GraphWriter {
  readonly nodes: Node[] = [];
  readonly constants: Record<string, Weights> = {};

  /** @param output A name of the graph's contract; otherwise one is made. @returns what to call the node's output. */
  add(op: string, inputs: readonly string[], attributes?: Node["attributes"], output?: string): string {
    const name = output ?? `${op.toLowerCase()}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, output: name, ...(attributes === undefined ? {} : { attributes }) });
    return name;
  }

  constant(dims: readonly number[], values: Float32Array): string {
    const name = `weights_${Object.keys(this.constants).length}`;
    this.constants[name] = { dims, values };
    return name;
  }

  /** `scales · x + shifts`, channel by channel of [patches, channels, …, …]. */
  perChannel(x: string, scales: readonly number[], shifts: readonly number[]): string {
    const count = scales.length;
    const kernel = this.constant([count, 1, 1, 1], Float32Array.from(scales));
    const bias = this.constant([count], Float32Array.from(shifts));
    return this.add("Conv", [x, kernel, bias], { kernel_shape: [1, 1], group: count });
  }
}

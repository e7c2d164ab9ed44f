import { seededRandom } from "../../../signal/test-signals.ts";
import type { Weights } from "../../onnx/read-weights.ts";
import { writeOnnx } from "../../onnx/write-onnx.ts";
import type { Node } from "../../onnx/write-onnx.ts";

/**
 * A graph with the names, shapes and operations of the published MusiCNN (the convolution that is a product of matrices is
 * written as one), and weights by formula. As there, most channels of the front are constants: their kernels are as good as
 * zero, or their answer is below zero whatever they hear. Every third of the others has a falling batch normalisation.
 */
export function publishedLike(seed = 4): Uint8Array {
  const graph = new PublishedLike(seed);
  graph.op("Constant", [], "three", { value_ints: [3] });
  graph.op("Constant", [], "one", { value_ints: [1] });
  graph.op("Unsqueeze", ["melspectrogram", "one"], "image");
  graph.normalise("image", "batch_normalization", 1, "input");
  const pooled = [
    graph.branch("conv2d", 1, 204, [7, 38]),
    graph.branch("conv2d_1", 2, 204, [7, 67]),
    graph.branch("conv2d_2", 3, 51, [128, 1]),
    graph.branch("conv2d_3", 4, 51, [64, 1]),
    graph.branch("conv2d_4", 5, 51, [32, 1]),
  ];
  graph.op("Concat", pooled, "front", { axis: 1 });
  graph.layer("conv2d_5", 6, "front", 561);
  graph.layer("conv2d_6", 7, "conv2d_5.out", 64);
  graph.op("Add", ["conv2d_6.out", "conv2d_5.out"], "sum");
  graph.layer("conv2d_7", 8, "sum", 64);
  graph.op("Add", ["conv2d_7.out", "sum"], "sum_1");
  graph.op("Concat", ["front", "conv2d_5.out", "sum", "sum_1"], "all", { axis: 1 });
  graph.op("ReduceMax", ["all"], "max", { axes: [2], keepdims: 0 });
  graph.op("ReduceMean", ["all"], "mean", { axes: [2], keepdims: 0 });
  graph.op("Concat", ["max", "mean"], "turns", { axis: 2 });
  graph.op("Flatten", ["turns"], "features", { axis: 1 });
  graph.dense("dense", 9, "features", [1_506, 200], "embeddings");
  graph.op("Relu", ["embeddings"], "hidden");
  graph.dense("dense_1", 10, "hidden", [200, 50], "logits");
  graph.op("Sigmoid", ["logits"], "activations");
  return writeOnnx({
    name: "published-like",
    inputs: { melspectrogram: ["patches", 187, 96] },
    outputs: { activations: ["patches", 50], embeddings: ["patches", 200] },
    constants: graph.constants,
    nodes: graph.nodes,
  });
}

class PublishedLike {
  readonly nodes: Node[] = [];
  readonly constants: Record<string, Weights> = {};
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  op(op: string, inputs: readonly string[], output: string, attributes: Node["attributes"] = {}): void {
    this.nodes.push({ op, inputs, output, attributes });
  }

  branch(
    name: string,
    normalised: number,
    channels: number,
    [frames, bands]: readonly [number, number],
  ): string {
    const size = frames * bands;
    const isMute = (channel: number) => channel % 4 === 1;
    const isDeaf = (channel: number) => channel % 4 > 1;
    const kernel = this.#values(channels * size, (i) =>
      isDeaf(Math.floor(i / size)) ? 1e-12 : this.#centred() / Math.sqrt(size),
    );
    const bias = this.#values(channels, (i) => (isMute(i) ? -1_000 : this.#centred() + 0.5));
    const dims = [channels, 1, frames, bands];
    const [kernelName, biasName] = [`${name}/kernel/read:0`, `${name}/bias/read:0`];
    this.constants[kernelName] = { dims, values: kernel };
    this.constants[biasName] = { dims: [channels], values: bias };
    if (name === "conv2d_3") {
      // Published as [frames, channels], to multiply with.
      const values = Float32Array.from(
        kernel,
        (_, i) => kernel[(i % channels) * frames + Math.floor(i / channels)] ?? NaN,
      );
      this.constants["model_conv2d_3_BiasAdd_mm_W"] = { dims: [frames, channels], values };
      this.constants["model_conv2d_3_BiasAdd_mm_B"] = { dims: [1, 1, 1, channels], values: bias };
    }
    const before = Math.floor((frames - 1) / 2);
    this.op("Conv", ["input", kernelName, biasName], `${name}.conv`, {
      kernel_shape: [frames, bands],
      pads: [before, 0, frames - 1 - before, 0],
    });
    this.op("Relu", [`${name}.conv`], `${name}.relu`);
    this.normalise(`${name}.relu`, `batch_normalization_${normalised}`, channels, `${name}.normal`);
    const width = 97 - bands;
    this.op("MaxPool", [`${name}.normal`], `${name}.pool`, { kernel_shape: [1, width], strides: [1, width] });
    return `${name}.pool`;
  }

  /** A kernel of [channels, 1, frames, inputs] over what is [patches, inputs, frames, 1]. */
  layer(name: string, normalised: number, input: string, inputs: number): void {
    const kernel = this.#values(64 * 7 * inputs, () => this.#centred() / Math.sqrt(7 * inputs));
    this.constants[`${name}/kernel/read:0`] = { dims: [64, 1, 7, inputs], values: kernel };
    this.constants[`${name}/bias/read:0`] = { dims: [64], values: this.#values(64, () => this.#centred()) };
    this.op("Transpose", [input], `${name}.rows`, { perm: [0, 3, 2, 1] });
    this.op("Conv", [`${name}.rows`, `${name}/kernel/read:0`, `${name}/bias/read:0`], `${name}.conv`, {
      kernel_shape: [7, inputs],
      pads: [3, 0, 3, 0],
    });
    this.op("Relu", [`${name}.conv`], `${name}.relu`);
    this.normalise(`${name}.relu`, `batch_normalization_${normalised}`, 64, `${name}.out`);
  }

  normalise(input: string, name: string, channels: number, output: string): void {
    const part = (which: string, valueAt: (i: number) => number) => {
      this.constants[`${name}/${which}/read:0`] = {
        dims: [channels],
        values: this.#values(channels, valueAt),
      };
      return `${name}/${which}/read:0`;
    };
    const gamma = part("gamma", (i) => (i % 3 === 0 && channels > 1 ? -1 : 1) * (0.5 + this.#random()));
    const parts = [
      gamma,
      part("beta", () => this.#centred()),
      part("moving_mean", () => this.#random()),
      part("moving_variance", () => 0.5 + this.#random()),
    ];
    this.nodes.push({
      op: "BatchNormalization",
      inputs: [input, ...parts],
      output,
      attributes: { epsilon: { float: 0.001 } },
    });
  }

  dense(
    name: string,
    normalised: number,
    input: string,
    dims: readonly [number, number],
    output: string,
  ): void {
    const [scale, shift] = ["mul:0", "sub:0"].map(
      (part) => `model/batch_normalization_${normalised}/batchnorm/${part}`,
    ) as [string, string];
    this.constants[scale] = { dims: [dims[0]], values: this.#values(dims[0], () => this.#centred()) };
    this.constants[shift] = { dims: [dims[0]], values: this.#values(dims[0], () => this.#centred()) };
    const kernel = this.#values(dims[0] * dims[1], () => this.#centred() / Math.sqrt(dims[0]));
    this.constants[`${name}/kernel/read:0`] = { dims, values: kernel };
    this.constants[`${name}/bias/read:0`] = {
      dims: [dims[1]],
      values: this.#values(dims[1], () => this.#centred()),
    };
    this.op("Mul", [input, scale], `${name}.scaled`);
    this.op("Add", [`${name}.scaled`, shift], `${name}.shifted`);
    this.op("MatMul", [`${name}.shifted`, `${name}/kernel/read:0`], `${name}.product`);
    this.op("Add", [`${name}.product`, `${name}/bias/read:0`], output);
  }

  #values(length: number, valueAt: (i: number) => number): Float32Array {
    return Float32Array.from({ length }, (_, i) => valueAt(i));
  }

  #centred(): number {
    return 2 * this.#random() - 1;
  }
}

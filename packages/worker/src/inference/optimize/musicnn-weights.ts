import type { Weights } from "../onnx/read-weights.ts";
import type { Channel } from "./live-channels.ts";

export const FRAMES = 187;
export const BANDS = 96;

/** A convolution over time and bands, ReLU, batch normalisation, and the largest value over all bands. */
export interface Branch {
  name: string;
  /** Frames and bands of the kernel. */
  kernel: readonly [frames: number, bands: number];
  channels: Channel[];
}

/** A convolution over 7 frames and all channels of the layer before, ReLU and batch normalisation. */
export interface Layer {
  name: string;
  inputs: number;
  frames: number;
  /** Weights row-major [inputs, frames]. */
  channels: Channel[];
}

export interface Dense {
  /** Row-major [inputs, outputs]. */
  kernel: Weights;
  bias: Float32Array;
  /** Batch normalisation of the inputs. */
  scale: Float32Array;
  shift: Float32Array;
}

/** The published graph's weights, by what they are for. */
export interface MusicnnWeights {
  /** Batch normalisation of the mel. */
  input: { scale: number; shift: number };
  /** In the order in which their channels follow each other in the first layer's input. */
  branches: Branch[];
  layers: [Layer, Layer, Layer];
  /** Its inputs are the largest value and the mean over time of each channel, in turns. */
  embedding: Dense;
  tags: Dense;
}

/** tf2onnx wrote batch normalisation with the default of Keras. */
const EPSILON = Math.fround(0.001);

/** @throws Error when the constants are not those of the published graph. */
export function musicnnWeights(found: ReadonlyMap<string, Weights>): MusicnnWeights {
  const get = (name: string): Weights => {
    const weights = found.get(name);
    if (weights === undefined) throw new Error(`the graph has no ${name}`);
    return weights;
  };
  const read = (name: string) => get(`${name}/read:0`);

  const input = normalisation(read, "batch_normalization");
  const branch = (
    name: string,
    normalised: number,
    kernel: Branch["kernel"],
    rows: Weights,
    bias: Weights,
  ) => ({
    name,
    kernel,
    channels: channelsOf(
      rows,
      bias,
      normalisation(read, `batch_normalization_${normalised}`),
      kernel[0] * kernel[1],
    ),
  });
  const published = (name: string, normalised: number, kernel: Branch["kernel"]) =>
    branch(name, normalised, kernel, read(`${name}/kernel`), read(`${name}/bias`));
  const layer = (name: string, normalised: number, inputs: number): Layer => {
    const rows = transposedKernel(read(`${name}/kernel`), 7, inputs);
    const norm = normalisation(read, `batch_normalization_${normalised}`);
    return { name, inputs, frames: 7, channels: channelsOf(rows, read(`${name}/bias`), norm, 7 * inputs) };
  };
  const dense = (name: string, normalised: number): Dense => ({
    kernel: read(`${name}/kernel`),
    bias: read(`${name}/bias`).values,
    scale: get(`model/batch_normalization_${normalised}/batchnorm/mul:0`).values,
    shift: get(`model/batch_normalization_${normalised}/batchnorm/sub:0`).values,
  });

  return {
    input: { scale: only(input.scale), shift: only(input.shift) },
    branches: [
      published("conv2d", 1, [7, 38]),
      published("conv2d_1", 2, [7, 67]),
      published("conv2d_2", 3, [128, 1]),
      // This one is spelled as a product of matrices: its weights are [frames, channels].
      branch(
        "conv2d_3",
        4,
        [64, 1],
        transposed(get("model_conv2d_3_BiasAdd_mm_W")),
        get("model_conv2d_3_BiasAdd_mm_B"),
      ),
      published("conv2d_4", 5, [32, 1]),
    ],
    layers: [layer("conv2d_5", 6, 561), layer("conv2d_6", 7, 64), layer("conv2d_7", 8, 64)],
    embedding: dense("dense", 9),
    tags: dense("dense_1", 10),
  };
}

interface Normalisation {
  scale: number[];
  shift: number[];
}

function normalisation(read: (name: string) => Weights, name: string): Normalisation {
  const [gamma, beta, mean, variance] = ["gamma", "beta", "moving_mean", "moving_variance"].map((part) => [
    ...read(`${name}/${part}`).values,
  ]) as [number[], number[], number[], number[]];
  const scale = gamma.map((value, i) => value / Math.sqrt(at(variance, i) + EPSILON));
  return { scale, shift: beta.map((value, i) => value - at(scale, i) * at(mean, i)) };
}

function channelsOf(rows: Weights, bias: Weights, { scale, shift }: Normalisation, size: number): Channel[] {
  if (rows.values.length !== size * scale.length)
    throw new Error(`${rows.dims} are not ${scale.length} kernels`);
  return scale.map((factor, channel) => ({
    weights: rows.values.subarray(channel * size, (channel + 1) * size),
    bias: at(bias.values, channel),
    scale: factor,
    shift: at(shift, channel),
  }));
}

function transposed({ dims: [rows = 0, columns = 0], values }: Weights): Weights {
  const turned = Float32Array.from(values, (_, i) => at(values, (i % rows) * columns + Math.floor(i / rows)));
  return { dims: [columns, rows], values: turned };
}

/** [channels, 1, frames, inputs] to [channels, inputs, frames]. */
function transposedKernel({ dims, values }: Weights, frames: number, inputs: number): Weights {
  const size = frames * inputs;
  const turned = Float32Array.from(values, (_, i) => {
    const [channel, rest] = [Math.floor(i / size), i % size];
    return at(values, channel * size + (rest % frames) * inputs + Math.floor(rest / frames));
  });
  return { dims, values: turned };
}

function only(values: readonly number[]): number {
  if (values.length !== 1) throw new Error(`${values.length} values where one is due`);
  return at(values, 0);
}

/** `index` is within the array: the loops run over its length or one of the same. */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

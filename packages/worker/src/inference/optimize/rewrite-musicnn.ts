import { readWeights } from "../onnx/read-weights.ts";
import { writeOnnx } from "../onnx/write-onnx.ts";
import { GraphWriter } from "./graph-writer.ts";
import { isConstant, middleOf, rangeOf } from "./live-channels.ts";
import type { Channel, Range } from "./live-channels.ts";
import { at, BANDS, FRAMES, musicnnWeights } from "./musicnn-weights.ts";
import type { Branch, Dense, Layer, MusicnnWeights } from "./musicnn-weights.ts";

/** Channels are processed in blocks of this many, or of half as many without AVX-512. */
const BLOCK = 16;

/** log10(1 + 10,000 · band) is at least 0, and reaches 16 for samples a thousand times full scale. */
const MEL: Range = { low: 0, high: 16 };

/** The channel that is 1 wherever there is audio. With weights of its own it stands for all constant channels. */
const ONE: Channel = { weights: new Float32Array(), bias: 1, scale: 1, shift: 0 };
const NONE: Channel = { weights: new Float32Array(), bias: 0, scale: 0, shift: 0 };

/** A channel of the published graph, or none, in its new place. */
interface Slot {
  channel: Channel;
  /** Its number among the front's 561, or null for one that only fills a block. */
  origin: number | null;
}

interface Front {
  branches: { branch: Branch; slots: Slot[] }[];
  /** The constants of the channels that are gone, by their number. */
  constants: Map<number, number>;
}

/**
 * MusiCNN, faster and equal. Of the front's channels only those remain whose answer depends on the sound (of the published
 * weights 64 of 561); the others are constants, which a channel of ones carries into the next layer. The
 * convolution that was spelled as a product of matrices is one, pooling comes before ReLU and batch normalisation,
 * and channels fill whole blocks.
 * @throws Error when these are not the bytes of the published graph.
 */
export function rewriteMusicnn(published: Uint8Array): Uint8Array {
  const weights = musicnnWeights(readWeights(published));
  const front = liveFront(weights);
  const graph = new GraphWriter();
  const pooled = writeFront(graph, weights, front);
  const [first, second, third] = weights.layers;
  const slots = front.branches.flatMap((live) => live.slots);
  const one = writeLayer(graph, pooled, withInputs(first, slots, front.constants));
  const two = graph.add("Add", [writeLayer(graph, one, second), one]);
  const three = graph.add("Add", [writeLayer(graph, two, third), two]);
  writeDense(graph, graph.add("Concat", [pooled, one, two, three], { axis: 1 }), weights, front);
  return writeOnnx({
    name: "msd-musicnn-1, rewritten",
    inputs: { melspectrogram: ["patches", FRAMES, BANDS] },
    outputs: { activations: ["patches", 50], embeddings: ["patches", 200] },
    constants: graph.constants,
    nodes: graph.nodes,
  });
}

function liveFront({ input, branches }: MusicnnWeights): Front {
  const ends = [MEL.low, MEL.high].map((mel) => input.scale * mel + input.shift);
  // The padding is 0.
  const range = { low: Math.min(0, ...ends), high: Math.max(0, ...ends) };
  const constants = new Map<number, number>();
  let origin = 0;
  const live = branches.map((branch) => {
    const slots: Slot[] = [];
    for (const channel of branch.channels) {
      const answers = rangeOf(channel, range);
      if (isConstant(answers)) constants.set(origin, middleOf(answers));
      else slots.push({ channel, origin });
      origin += 1;
    }
    return { branch, slots };
  });
  // The channel of ones takes a slot that would be idle, if there is any.
  const roomy = live.find(({ slots }) => slots.length % BLOCK !== 0) ?? live[0];
  roomy?.slots.push({ channel: ONE, origin: null });
  for (const { slots } of live)
    while (slots.length % BLOCK !== 0) slots.push({ channel: NONE, origin: null });
  return { branches: live.filter(({ slots }) => slots.length > 0), constants };
}

function writeFront(graph: GraphWriter, { input }: MusicnnWeights, { branches }: Front): string {
  const axis = graph.add("Constant", [], { value_ints: [1] });
  const image = graph.add("Unsqueeze", ["melspectrogram", axis]);
  const normal = graph.perChannel(image, [input.scale], [input.shift]);
  const pooled = branches.map(({ branch, slots }) => writeBranch(graph, normal, branch, slots));
  const all = graph.add("Concat", pooled, { axis: 1 });
  const channels = channelsOf(branches);
  const signs = channels.map(signOf);
  const upright = graph.perChannel(
    all,
    signs,
    signs.map(() => 0),
  );
  return writeNormalised(graph, upright, channels);
}

/**
 * What is largest after ReLU and a falling line is what was smallest before them. The kernel of such a channel gets the
 * other sign, and so does what was the largest.
 */
function signOf({ scale }: Channel): number {
  return scale < 0 ? -1 : 1;
}

function writeBranch(graph: GraphWriter, input: string, { kernel }: Branch, slots: readonly Slot[]): string {
  const [frames, bands] = kernel;
  const size = frames * bands;
  const weights = new Float32Array(slots.length * size);
  slots.forEach(({ channel }, slot) => {
    weights.set(
      channel.weights.map((weight) => signOf(channel) * weight),
      slot * size,
    );
  });
  const biases = Float32Array.from(slots, ({ channel }) => signOf(channel) * channel.bias);
  const constants = [
    graph.constant([slots.length, 1, frames, bands], weights),
    graph.constant([slots.length], biases),
  ];
  const conv = graph.add("Conv", [input, ...constants], { kernel_shape: kernel, pads: sameFrames(frames) });
  const width = BANDS - bands + 1;
  return graph.add("MaxPool", [conv], { kernel_shape: [1, width], strides: [1, width] });
}

/** As many frames out as in, as TensorFlow pads. */
function sameFrames(frames: number): number[] {
  const before = Math.floor((frames - 1) / 2);
  return [before, 0, frames - 1 - before, 0];
}

/** ReLU and batch normalisation. */
function writeNormalised(graph: GraphWriter, x: string, channels: readonly Channel[]): string {
  return graph.perChannel(
    graph.add("Relu", [x]),
    channels.map(({ scale }) => scale),
    channels.map(({ shift }) => shift),
  );
}

function writeLayer(graph: GraphWriter, input: string, { inputs, frames, channels }: Layer): string {
  const size = inputs * frames;
  const weights = new Float32Array(channels.length * size);
  channels.forEach((channel, index) => weights.set(channel.weights, index * size));
  const biases = Float32Array.from(channels, ({ bias }) => bias);
  const constants = [
    graph.constant([channels.length, inputs, frames, 1], weights),
    graph.constant([channels.length], biases),
  ];
  const conv = graph.add("Conv", [input, ...constants], {
    kernel_shape: [frames, 1],
    pads: sameFrames(frames),
  });
  return writeNormalised(graph, conv, channels);
}

/** The layer for inputs in their new places. A constant one adds nothing where the padding is, and neither does the channel of ones. */
function withInputs(layer: Layer, slots: readonly Slot[], constants: ReadonlyMap<number, number>): Layer {
  const { frames } = layer;
  const channels = layer.channels.map((channel) => {
    const rowOf = (input: number) => channel.weights.subarray(input * frames, (input + 1) * frames);
    const weights = new Float32Array(slots.length * frames);
    slots.forEach(({ channel: filling, origin }, slot) => {
      if (origin !== null) weights.set(rowOf(origin), slot * frames);
      if (filling !== ONE) return;
      const sums = new Float64Array(frames);
      for (const [input, value] of constants)
        rowOf(input).forEach((weight, frame) => (sums[frame] = at(sums, frame) + weight * value));
      weights.set(sums, slot * frames);
    });
    return { ...channel, weights };
  });
  return { ...layer, inputs: slots.length, channels };
}

function writeDense(
  graph: GraphWriter,
  channels: string,
  { embedding, tags }: MusicnnWeights,
  front: Front,
): void {
  const extremes = ["GlobalMaxPool", "GlobalAveragePool"].map((op) => graph.add(op, [channels]));
  const features = graph.add("Flatten", [graph.add("Concat", extremes, { axis: 1 })], { axis: 1 });
  const slots = front.branches.flatMap((branch) => branch.slots);
  const [published = 0, outputs = 0] = embedding.kernel.dims;
  const layersStart = front.constants.size + slots.filter(({ origin }) => origin !== null).length;
  const later = Array.from({ length: published / 2 - layersStart }, (_, i) => layersStart + i);
  const origins = [...slots.map(({ origin }) => origin), ...later];
  // Published: largest and mean of each channel in turns. Here: all largest values, then all means.
  const rows = [0, 1].flatMap((which) =>
    origins.map((origin) => (origin === null ? null : 2 * origin + which)),
  );
  const known = new Map(
    [...front.constants].flatMap(([origin, value]) => [
      [2 * origin, value],
      [2 * origin + 1, value],
    ]),
  );
  const first = folded(embedding, rows, known);
  graph.add(
    "Gemm",
    [features, graph.constant([rows.length, outputs], first.kernel), graph.constant([outputs], first.bias)],
    {},
    "embeddings",
  );
  const [hidden = 0, labels = 0] = tags.kernel.dims;
  const second = folded(
    tags,
    Array.from({ length: hidden }, (_, i) => i),
    new Map(),
  );
  const logits = graph.add("Gemm", [
    graph.add("Relu", ["embeddings"]),
    graph.constant([hidden, labels], second.kernel),
    graph.constant([labels], second.bias),
  ]);
  graph.add("Sigmoid", [logits], undefined, "activations");
}

/** With the normalisation of its inputs and the known ones in it. `rows`: which published input each row is, null for none. */
function folded(
  { kernel, bias, scale, shift }: Dense,
  rows: readonly (number | null)[],
  known: ReadonlyMap<number, number>,
) {
  const outputs = bias.length;
  const values = new Float32Array(rows.length * outputs);
  rows.forEach((input, row) => {
    if (input === null) return;
    for (let output = 0; output < outputs; output++)
      values[row * outputs + output] = at(scale, input) * at(kernel.values, input * outputs + output);
  });
  const sums = Float64Array.from(bias);
  scale.forEach((factor, input) => {
    const constant = at(shift, input) + factor * (known.get(input) ?? 0);
    for (let output = 0; output < outputs; output++)
      sums[output] = at(sums, output) + constant * at(kernel.values, input * outputs + output);
  });
  return { kernel: values, bias: Float32Array.from(sums) };
}

function channelsOf(branches: Front["branches"]): Channel[] {
  return branches.flatMap(({ slots }) => slots.map(({ channel }) => channel));
}

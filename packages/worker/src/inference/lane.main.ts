/**
 * A lane: the child process that runs models, and the only code that loads onnxruntime. `run()` blocks its
 * event loop and can't be cancelled, so whoever wants it to stop kills the process.
 */
import ort from "onnxruntime-node";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { providerOf } from "./device.ts";
import { boundMemory } from "../bound-memory.ts";
import type { ScanRequest, ScanResult, Tensors } from "./inference.ts";
import { modelRef } from "./manifest.ts";
import type { ModelSpec, ScanSpec, TensorSpec } from "./manifest.ts";
import { joinRows, splitRows } from "./batch-tensors.ts";
import { generate } from "./generate/generate.ts";
import { laneArguments } from "./protocol.ts";
import { StreamScan } from "./stream-scan.ts";
import type { LaneAnswer, LaneCall, LaneMessage, LoadCall, RunCall, ScanCall } from "./protocol.ts";

interface Model {
  spec: ModelSpec;
  session: InferenceSession;
  constants: Record<string, OrtTensor>;
}

boundMemory();
const [threads, device] = laneArguments.parse(process.argv.slice(2));
const models = new Map<string, Model>();

/**
 * Of messages, which are outside of the heap: V8 alone would let 50 MB of them pile up before it looks, and the C library could
 * give little of the space between them back.
 */
const CALLS_PER_COLLECTION = 32;
const BYTES_PER_COLLECTION = 2 * 1024 ** 2;
const COLLECTIONS_PER_FULL_COLLECTION = 16;
let [calls, droppedBytes, collections] = [0, 0, 0];

/** What a call came with or was answered with. */
function drop(tensors: readonly { data: Float32Array }[]): void {
  for (const { data } of tensors) droppedBytes += data.byteLength;
}

function collectGarbage(): void {
  calls += 1;
  if (calls < CALLS_PER_COLLECTION && droppedBytes < BYTES_PER_COLLECTION) return;
  [calls, droppedBytes] = [0, 0];
  collections += 1;
  if (collections % COLLECTIONS_PER_FULL_COLLECTION === 0) globalThis.gc?.();
  else void globalThis.gc?.({ type: "minor" });
}

async function answer(call: LaneCall): Promise<LaneAnswer> {
  switch (call.kind) {
    case "load":
      return load(call);
    case "unload":
      return unload(call.modelId);
    case "scan":
      return scan(call);
    case "run":
      return run(call);
    case "generate":
      drop([call.request.context]);
      return generate(loaded(call.modelId).session, call.request, collectGarbage);
    case "ping":
      return null;
  }
}

async function load({ spec, path }: LoadCall): Promise<null> {
  const session = await ort.InferenceSession.create(path, {
    executionProviders: [executionProvider()],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: true,
    logSeverityLevel: 3,
  });
  const model = { spec, session, constants: constantsOf(spec) };
  // The first run allocates and, on a GPU, compiles: not on a job's time.
  if (spec.generate === undefined) await session.run({ ...zeroFeeds(spec), ...model.constants });
  models.set(modelRef(spec), model);
  return null;
}

async function unload(modelId: string): Promise<null> {
  const { session } = loaded(modelId);
  models.delete(modelId);
  await session.release();
  return null;
}

function executionProvider(): InferenceSession.ExecutionProviderConfig {
  const { provider, deviceId } = providerOf(device);
  return provider === "cuda" ? { name: provider, deviceId } : provider;
}

/** Steps through the rows in here, so that one message carries many steps of many streams. */
async function scan({ modelId, streams, width }: ScanCall): Promise<ScanResult[]> {
  const { session, constants, spec } = loaded(modelId);
  const names = scanSpecOf(spec);
  const rowSize = sizeOf(spec.inputs[names.input]);
  const outputSize = sizeOf(spec.outputs[names.output]);
  const scans = streams.map((stream) => new StreamScan(stream, rowSize, outputSize));
  const [, ...rowDims] = dimsOf(spec.inputs[names.input]);
  const rows = floats(new Float32Array(width * rowSize), [width, ...rowDims]);
  let state = joinedStates(spec, names, streams, width);
  for (let step = 0; scans.some(({ steps }) => step < steps); step++) {
    scans.forEach((one, index) => one.fill(step, valuesOf(rows), index));
    const found = await session.run({ ...constants, [names.input]: rows, [names.state_input]: state });
    state = floats(valuesOf(found[names.state_output]), state.dims);
    scans.forEach((one, index) => one.keep(step, valuesOf(found[names.output]), index));
    // A stream that has ended is computed on with the others; the state that counts is the one of its last step.
    for (const [index, one] of scans.entries()) {
      if (step === one.steps - 1) one.state = stateOf(spec, names, state, index);
    }
  }
  drop(streams.map(({ rows: data }) => ({ data })));
  return scans.map(({ outputs, state: last }) => ({ outputs, state: last }));
}

async function run({ modelId, feeds }: RunCall): Promise<Tensors> {
  const { session, constants } = loaded(modelId);
  const given = Object.entries(feeds).map(([name, { data, dims }]) => [name, floats(data, dims)]);
  const found = await session.run({ ...constants, ...Object.fromEntries(given) });
  const answered = Object.fromEntries(
    Object.entries(found).map(([name, tensor]) => [name, { data: valuesOf(tensor), dims: tensor.dims }]),
  );
  drop([...Object.values(feeds), ...Object.values(answered)]);
  return answered;
}

function joinedStates(
  spec: ModelSpec,
  names: ScanSpec,
  streams: readonly ScanRequest[],
  width: number,
): OrtTensor {
  const dims = dimsOf(spec.inputs[names.state_input]);
  const states = streams.map(({ state }) => ({ [names.state_input]: { data: state, dims } }));
  const joined = joinRows(spec.inputs, states, width)[names.state_input];
  if (joined === undefined) throw new Error("a scan of no stream");
  return floats(joined.data, joined.dims);
}

function stateOf(spec: ModelSpec, names: ScanSpec, state: OrtTensor, index: number): Float32Array {
  const tensors = { [names.state_output]: { data: valuesOf(state), dims: state.dims } };
  const [before, own] = splitRows(spec.outputs, tensors, [index, 1]);
  return (own ?? before)?.[names.state_output]?.data ?? new Float32Array();
}

function loaded(modelId: string): Model {
  const model = models.get(modelId);
  if (model === undefined) throw new Error(`${modelId} is not loaded in this lane`);
  return model;
}

function scanSpecOf(spec: ModelSpec): ScanSpec {
  if (spec.scan === undefined) throw new Error(`${spec.id} is not a recurrent model`);
  return spec.scan;
}

function constantsOf(spec: ModelSpec): Record<string, OrtTensor> {
  const constants: Record<string, OrtTensor> = {};
  for (const [name, { type, value, shape }] of Object.entries(spec.inputs)) {
    if (value === undefined) continue;
    if (shape.length > 0) throw new Error(`${name} has a value and is not a scalar`);
    constants[name] =
      type === "int64"
        ? new ort.Tensor("int64", BigInt64Array.of(BigInt(value)), [])
        : floats(Float32Array.of(value), []);
  }
  return constants;
}

function zeroFeeds(spec: ModelSpec): Record<string, OrtTensor> {
  const given = Object.entries(spec.inputs).filter(([, input]) => input.value === undefined);
  return Object.fromEntries(
    given.map(([name, input]) => [name, floats(new Float32Array(sizeOf(input)), dimsOf(input))]),
  );
}

function floats(data: Float32Array, dims: readonly number[]): OrtTensor {
  return new ort.Tensor("float32", data, dims);
}

/** A dimension that the caller chooses is 1 here: one stream, one patch. */
function dimsOf(spec: TensorSpec | undefined): number[] {
  if (spec === undefined) throw new Error("the manifest names a tensor that the model does not have");
  return spec.shape.map((dimension) => (typeof dimension === "number" ? dimension : 1));
}

function sizeOf(spec: TensorSpec | undefined): number {
  return dimsOf(spec).reduce((size, dimension) => size * dimension, 1);
}

function valuesOf(tensor: OrtTensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new Error("the model's output is not float32");
  return tensor.data;
}

function send(message: LaneMessage): void {
  // Without a callback a channel that has just closed throws; the lane exits then anyway.
  process.send?.(message, undefined, {}, () => {});
}

// The parent decides: on a terminal's Ctrl-C or a service manager's stop it may still want the answer.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => {});
// The parent is gone, however it ended. Nobody else would stop this process.
process.on("disconnect", () => process.exit(0));
process.on("message", (call: LaneCall) => {
  collectGarbage();
  answer(call).then(
    (result) => send({ kind: "answer", answer: result, rssBytes: process.memoryUsage.rss() }),
    (error: unknown) =>
      send({ kind: "failure", message: error instanceof Error ? error.message : String(error) }),
  );
});
send({ kind: "ready" });

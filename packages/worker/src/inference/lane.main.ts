/**
 * A lane: the child process that runs models, and the only code that loads onnxruntime. `run()` blocks its
 * event loop and can't be cancelled, so whoever wants it to stop kills the process.
 */
import ort from "onnxruntime-node";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { ScanResult, Tensors } from "./inference.ts";
import type { ModelSpec, ScanSpec, TensorSpec } from "./manifest.ts";
import { laneArguments } from "./protocol.ts";
import type { LaneAnswer, LaneCall, LaneMessage, LoadCall, RunCall, ScanCall } from "./protocol.ts";

interface Model {
  spec: ModelSpec;
  session: InferenceSession;
  constants: Record<string, OrtTensor>;
}

const [threads, device] = laneArguments.parse(process.argv.slice(2));
const models = new Map<string, Model>();

async function answer(call: LaneCall): Promise<LaneAnswer> {
  switch (call.kind) {
    case "load":
      return load(call);
    case "scan":
      return scan(call);
    case "run":
      return run(call);
  }
}

async function load({ spec, path }: LoadCall): Promise<null> {
  const session = await ort.InferenceSession.create(path, {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: true,
    logSeverityLevel: 3,
  });
  const model = { spec, session, constants: constantsOf(spec) };
  // The first run allocates and, on a GPU, compiles: not on a job's time.
  await session.run({ ...zeroFeeds(spec), ...model.constants });
  models.set(spec.id, model);
  return null;
}

/** Steps through the rows in here, so that one message carries many steps. */
async function scan({ modelId, rows, state }: ScanCall): Promise<ScanResult> {
  const { session, constants, spec } = loaded(modelId);
  const names = scanSpecOf(spec);
  const row = floats(new Float32Array(sizeOf(spec.inputs[names.input])), dimsOf(spec.inputs[names.input]));
  const width = row.size;
  const steps = rows.length / width;
  if (!Number.isInteger(steps)) throw new Error(`${rows.length} values are not rows of ${width}`);

  const outputWidth = sizeOf(spec.outputs[names.output]);
  const outputs = new Float32Array(steps * outputWidth);
  let carried = floats(state, dimsOf(spec.inputs[names.state_input]));
  for (let step = 0; step < steps; step++) {
    valuesOf(row).set(rows.subarray(step * width, (step + 1) * width));
    const found = await session.run({ ...constants, [names.input]: row, [names.state_input]: carried });
    outputs.set(valuesOf(found[names.output]), step * outputWidth);
    carried = floats(valuesOf(found[names.state_output]), carried.dims);
  }
  return { outputs, state: valuesOf(carried) };
}

async function run({ modelId, feeds }: RunCall): Promise<Tensors> {
  const { session, constants } = loaded(modelId);
  const given = Object.entries(feeds).map(([name, { data, dims }]) => [name, floats(data, dims)]);
  const found = await session.run({ ...constants, ...Object.fromEntries(given) });
  return Object.fromEntries(
    Object.entries(found).map(([name, tensor]) => [name, { data: valuesOf(tensor), dims: tensor.dims }]),
  );
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
  answer(call).then(
    (result) => send({ kind: "answer", answer: result }),
    (error: unknown) =>
      send({ kind: "failure", message: error instanceof Error ? error.message : String(error) }),
  );
});
send({ kind: "ready" });

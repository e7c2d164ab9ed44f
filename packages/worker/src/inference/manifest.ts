import * as z from "zod";

/** A dimension is a number, or the name of one that the caller chooses, such as "streams". */
const dimension = z.union([z.int().positive(), z.string().min(1)]);

const tensor = z.strictObject({
  type: z.enum(["float32", "int64"]),
  shape: z.array(dimension),
  /** A scalar that is the same in every call; the lane supplies it and callers leave it out. */
  value: z.int().optional(),
});

const fileName = z.string().regex(/^[\w.-]+$/, "a plain file name");

const file = z.strictObject({
  name: fileName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  /** A package that brings the file. `path` is relative to the folder of the package's main entry. */
  npm: z.strictObject({ package: z.string(), path: z.string() }).optional(),
  url: z.url({ protocol: /^https$/ }).optional(),
});

/** Which tensors a recurrent model is stepped by: one row in, one output and the next state out. */
const scan = z.strictObject({
  input: z.string(),
  output: z.string(),
  state_input: z.string(),
  state_output: z.string(),
});

/**
 * A small input by formula, `offset + amplitude · sin(step · i)`, and what the model says to it, of each output some values
 * (see golden-probe.ts). `earshot` makes the numbers with `make-probe.main.ts`.
 */
const probe = z.strictObject({
  offset: z.number(),
  amplitude: z.number(),
  step: z.number(),
  outputs: z.record(z.string(), z.array(z.number()).min(1)),
  /** Of values above 1: relative. */
  tolerance: z.number().positive(),
});

const model = z
  .strictObject({
    id: fileName,
    version: z.string().min(1),
    task: z.string(),
    /** The first file is the graph; the others must lie beside it. */
    files: z.tuple([file], file),
    licence: z.string().min(1),
    licence_url: z.url(),
    /** Whose work it is and what it may not be used for, in a line. */
    licence_note: z.string().min(1).optional(),
    /** Whether somebody must accept the licence before a pull. */
    requires_acceptance: z.boolean().default(false),
    /** Which code of signal/ makes the model's input of audio. */
    front_end: z.enum(["musicnn"]).optional(),
    /** The model whose output is this one's input. */
    needs: fileName.optional(),
    inputs: z.record(z.string(), tensor),
    outputs: z.record(z.string(), tensor),
    scan: scan.optional(),
    /** Of a decoder that is stepped token by token: whose names its tensors have (see generate/generate.ts). */
    generate: z.enum(["optimum"]).optional(),
    /** What its weights are, and what it is computed in. */
    precision: z.enum(["float32", "float16"]).default("float32"),
    /** Where it gives the answers that it should. */
    devices: z
      .array(z.enum(["cpu", "cuda", "webgpu"]))
      .min(1)
      .default(["cpu", "cuda", "webgpu"]),
    probe: probe.optional(),
    /** How the scores of `labels` came about: each on its own (sigmoid), or sharing 1 (softmax). */
    activation: z.enum(["sigmoid", "softmax"]).optional(),
    /** By output: what its last dimension holds, in order. */
    labels: z.record(z.string(), z.array(z.string().min(1)).min(1)).optional(),
    /** Who says that this is the order. */
    labels_source: z.url().optional(),
  })
  .refine(scanNamesItsTensors, { path: ["scan"], message: "names a tensor that the model does not have" })
  .refine(labelsFitOutputs, {
    path: ["labels"],
    message: "are not as many different ones as the output has columns",
  });

/** Several versions of a model stand side by side: the first is run where nobody asks for another. */
const manifest = z
  .strictObject({ models: z.array(model) })
  .refine(versionsDiffer, { path: ["models"], message: "have the same version of a model twice" })
  .refine(filesDiffer, { path: ["models"], message: "have different files of one name" })
  .refine(needsAreThere, { path: ["models"], message: "need a model that is not in the manifest" });

export type TensorSpec = z.output<typeof tensor>;
export type ModelFile = z.output<typeof file>;
export type ScanSpec = z.output<typeof scan>;
export type ModelSpec = z.output<typeof model>;

/** @throws ZodError that names the field. */
export function parseManifest(json: unknown): ModelSpec[] {
  return manifest.parse(json).models;
}

/** What tells one version of a model from all other models: `id@version`. */
export function modelRef({ id, version }: Pick<ModelSpec, "id" | "version">): string {
  return `${id}@${version}`;
}

function versionsDiffer({ models }: { models: { id: string; version: string }[] }): boolean {
  return new Set(models.map(modelRef)).size === models.length;
}

/** Files are kept by their names. */
function filesDiffer({ models }: { models: { files: ModelFile[] }[] }): boolean {
  const files = models.flatMap((spec) => spec.files);
  return (
    new Set(files.map(({ name }) => name)).size === new Set(files.map((one) => one.name + one.sha256)).size
  );
}

function scanNamesItsTensors({
  inputs,
  outputs,
  scan: spec,
}: {
  inputs: Record<string, TensorSpec>;
  outputs: Record<string, TensorSpec>;
  scan?: ScanSpec | undefined;
}): boolean {
  if (spec === undefined) return true;
  const named = [
    inputs[spec.input],
    inputs[spec.state_input],
    outputs[spec.output],
    outputs[spec.state_output],
  ];
  return named.every((found) => found !== undefined);
}

function labelsFitOutputs({
  outputs,
  labels = {},
}: {
  outputs: Record<string, TensorSpec>;
  labels?: Record<string, string[]> | undefined;
}): boolean {
  return Object.entries(labels).every(
    ([output, names]) =>
      outputs[output]?.shape.at(-1) === names.length && new Set(names).size === names.length,
  );
}

function needsAreThere({ models }: { models: { id: string; needs?: string | undefined }[] }): boolean {
  const ids = new Set(models.map(({ id }) => id));
  return models.every(({ needs }) => needs === undefined || ids.has(needs));
}

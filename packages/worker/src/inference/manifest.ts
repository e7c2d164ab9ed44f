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

const model = z
  .strictObject({
    id: fileName,
    version: z.string().min(1),
    task: z.string(),
    /** The first file is the graph; the others must lie beside it. */
    files: z.tuple([file], file),
    licence: z.string().min(1),
    licence_url: z.url(),
    inputs: z.record(z.string(), tensor),
    outputs: z.record(z.string(), tensor),
    scan: scan.optional(),
  })
  .refine(scanNamesItsTensors, { path: ["scan"], message: "names a tensor that the model does not have" });

const manifest = z.strictObject({ models: z.array(model) });

export type TensorSpec = z.output<typeof tensor>;
export type ModelFile = z.output<typeof file>;
export type ScanSpec = z.output<typeof scan>;
export type ModelSpec = z.output<typeof model>;

/** @throws ZodError that names the field. */
export function parseManifest(json: unknown): ModelSpec[] {
  return manifest.parse(json).models;
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

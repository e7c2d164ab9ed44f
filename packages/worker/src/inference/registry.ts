import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "@earshot/shared/domain/errors";
import manifestJson from "../../models.json" with { type: "json" };
import { parseManifest } from "./manifest.ts";
import type { ModelFile, ModelSpec } from "./manifest.ts";

/** A model whose files are here and are the published ones. */
export interface ResolvedModel {
  spec: ModelSpec;
  /** The graph's path on this machine. */
  path: string;
}

export interface Registry {
  models: readonly ModelSpec[];
  /** @throws AppError `model_unavailable` when the manifest does not have it. */
  find(modelId: string): ModelSpec;
  /** Finds the model's files and checks their hashes. @throws AppError `model_unavailable` that says what to do. */
  resolve(modelId: string): Promise<ResolvedModel>;
}

export interface RegistryOptions {
  /** Where an operator keeps weights by file name (`EARSHOT_MODELS_DIR`). Looked into first. */
  modelsDir?: string | undefined;
  /** Where pulled weights are kept, by file name. */
  cacheDir?: string | undefined;
  models?: readonly ModelSpec[];
}

export function createRegistry(options: RegistryOptions = {}): Registry {
  const models = options.models ?? parseManifest(manifestJson);
  const folders = [options.modelsDir, options.cacheDir].filter((folder) => folder !== undefined);

  function find(modelId: string): ModelSpec {
    const spec = models.find((model) => model.id === modelId);
    if (spec === undefined) throw unavailable(modelId, "is not in models.json");
    return spec;
  }

  async function resolve(modelId: string): Promise<ResolvedModel> {
    const spec = find(modelId);
    const [graph, ...others] = spec.files;
    const path = await findChecked(spec, graph, folders);
    for (const file of others) await findChecked(spec, file, folders);
    return { spec, path };
  }

  return { models, find, resolve };
}

/** The first place that has the file decides: a wrong file there is refused, never passed over for a right one elsewhere. */
async function findChecked(spec: ModelSpec, file: ModelFile, folders: readonly string[]): Promise<string> {
  const places = [...folders.map((folder) => join(folder, file.name)), ...packagedPath(file)];
  for (const path of places) {
    if (!(await isFile(path))) continue;
    await checkHash(spec, file, path);
    return path;
  }
  throw unavailable(spec.id, `is not installed: ${remedy(spec, file)}`, {
    file: file.name,
    sha256: file.sha256,
    url: file.url,
  });
}

/** Packages may export only ".", so that entry is resolved and the file is sought from its folder. */
function packagedPath(file: ModelFile): string[] {
  if (file.npm === undefined) return [];
  try {
    const entry = createRequire(import.meta.url).resolve(file.npm.package);
    return [join(dirname(entry), file.npm.path)];
  } catch {
    return [];
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function checkHash(spec: ModelSpec, file: ModelFile, path: string): Promise<void> {
  const actual = await sha256Of(spec, path);
  if (actual === file.sha256) return;
  throw unavailable(spec.id, `is refused: the sha256 of ${file.name} is not the one in models.json`, {
    file: file.name,
    sha256: file.sha256,
    actual_sha256: actual,
  });
}

async function sha256Of(spec: ModelSpec, path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw unavailable(spec.id, "could not be read", {}, cause);
  }
  return hash.digest("hex");
}

function remedy({ id }: ModelSpec, { name, url }: ModelFile): string {
  const byHand = `put ${name} into EARSHOT_MODELS_DIR`;
  return url === undefined ? byHand : `run "earshot models pull ${id}", or ${byHand} (from ${url})`;
}

function unavailable(
  model: string,
  what: string,
  detail: Record<string, unknown> = {},
  cause?: unknown,
): AppError {
  return new AppError("model_unavailable", {
    message: `Model ${model} ${what}.`,
    detail: { model, ...detail },
    cause,
  });
}

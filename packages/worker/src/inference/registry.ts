import { readFile } from "node:fs/promises";
import { MODEL_MANIFEST } from "@earshot/shared/domain/models";
import { hashFile } from "../input/hash.ts";
import { modelRef, parseManifest } from "./manifest.ts";
import type { ModelFile, ModelSpec } from "./manifest.ts";
import { findPlace } from "./model-places.ts";
import type { ModelFolders } from "./model-places.ts";
import { modelUnavailable, remedyFor, replacementOf } from "./model-unavailable.ts";
import { findOptimized } from "./optimize/find-optimized.ts";

/** A load is not stopped half way: the lane that waits for it is killed instead. */
const NEVER = new AbortController().signal;

/** A model whose files are here and are the published ones. */
export interface ResolvedModel {
  spec: ModelSpec;
  /** The path on this machine of the graph to load. */
  path: string;
  /** Of a graph that was rewritten here (`earshot models optimize`) and stands for the published one. */
  graphSha256?: string;
}

export interface Registry {
  readonly models: readonly ModelSpec[];
  readonly folders: ModelFolders;
  /** By `id`, or by `id@version`. @throws AppError `model_unavailable` when the manifest does not have it. */
  find(modelId: string): ModelSpec;
  /** Finds the model's files and checks their hashes. @throws AppError `model_unavailable` that says what to do. */
  resolve(modelId: string): Promise<ResolvedModel>;
  /** One of the model's files, its hash checked. @throws AppError `model_unavailable` that says what to do. */
  readFile(modelId: string, name: string): Promise<Uint8Array>;
}

/** One that may change while models of it run: what began with a version finds it under its name until the process ends. */
export interface LiveRegistry extends Registry {
  /** @throws Error for a version whose files are other ones now: that is another version. */
  reload(options: RegistryOptions): void;
}

export interface RegistryOptions extends ModelFolders {
  models?: readonly ModelSpec[];
  /** Whether a rewritten graph may stand for the published one. */
  optimized?: boolean;
}

export function createRegistry(initial: RegistryOptions = {}): LiveRegistry {
  let options = initial;
  let models = modelsOf(initial);
  const retired = new Map<string, ModelSpec>();

  function find(modelId: string): ModelSpec {
    const listed = models.find((model) => model.id === modelId || modelRef(model) === modelId);
    const spec = listed ?? retired.get(modelId);
    if (spec === undefined) throw modelUnavailable(modelId, "is not in models.json");
    return spec;
  }

  async function resolve(modelId: string): Promise<ResolvedModel> {
    const spec = find(modelId);
    const [graph, ...others] = spec.files;
    const path = await findChecked(spec, graph, options);
    for (const file of others) await findChecked(spec, file, options);
    const faster = options.optimized === false ? null : await findOptimized(spec, path, options);
    return faster === null ? { spec, path } : { spec, path: faster.path, graphSha256: faster.sha256 };
  }

  async function readModelFile(modelId: string, name: string): Promise<Uint8Array> {
    const spec = find(modelId);
    const file = spec.files.find((one) => one.name === name);
    if (file === undefined) throw modelUnavailable(spec.id, `has no file ${name}`);
    return readFile(await findChecked(spec, file, options));
  }

  function reload(next: RegistryOptions): void {
    const now = modelsOf(next);
    const known = [...models, ...retired.values()];
    for (const spec of now) refuseOtherFiles(spec, known);
    for (const spec of models) retired.set(modelRef(spec), spec);
    options = next;
    models = now;
  }

  return {
    get models() {
      return models;
    },
    get folders() {
      return options;
    },
    find,
    resolve,
    readFile: readModelFile,
    reload,
  };
}

function modelsOf({ models }: RegistryOptions): readonly ModelSpec[] {
  return models ?? parseManifest(MODEL_MANIFEST);
}

/** Lanes, and jobs that wait for their next attempt, know a version by its name. */
function refuseOtherFiles(spec: ModelSpec, known: readonly ModelSpec[]): void {
  const before = known.find((other) => modelRef(other) === modelRef(spec));
  if (before === undefined || hashesOf(before) === hashesOf(spec)) return;
  throw new Error(`${modelRef(spec)} has other files than before: give it another version`);
}

const hashesOf = ({ files }: ModelSpec) => files.map(({ sha256 }) => sha256).join();

/** The first place that has the file decides: a wrong file there is refused, never passed over for a right one elsewhere. */
async function findChecked(spec: ModelSpec, file: ModelFile, folders: ModelFolders): Promise<string> {
  const place = await findPlace(file, folders);
  const { name, sha256, url } = file;
  if (place === null) {
    const detail = { file: name, sha256, url };
    throw modelUnavailable(spec.id, `is not installed: ${remedyFor(spec, file)}`, { detail });
  }
  const actual = await sha256Of(spec, place.path);
  if (actual === sha256) return place.path;
  const detail = { file: name, sha256, actual_sha256: actual };
  const what = `is refused: the sha256 of ${name} is not the one in models.json; ${replacementOf(spec, file, place)}`;
  throw modelUnavailable(spec.id, what, { detail });
}

async function sha256Of(spec: ModelSpec, path: string): Promise<string> {
  try {
    return await hashFile(path, { signal: NEVER });
  } catch (cause) {
    throw modelUnavailable(spec.id, "could not be read", { cause });
  }
}

import { hashFile } from "../input/hash.ts";
import type { ModelFile, ModelSpec } from "./manifest.ts";
import { findPlace } from "./model-places.ts";
import type { ModelFolders, Place } from "./model-places.ts";

export type FileState = "ok" | "wrong_hash" | "missing";

export interface CheckedFile {
  file: ModelFile;
  state: FileState;
  /** Where it was found: the place that decides, even where another one has the right file. */
  place: Place | null;
  /** null: there is no file, or it can't be read. */
  sha256: string | null;
}

export interface CheckedModel {
  spec: ModelSpec;
  /** The worst of its files. */
  state: FileState;
  files: CheckedFile[];
}

/** Hashes what the registry would load. */
export function verifyModels(
  models: readonly ModelSpec[],
  folders: ModelFolders,
  signal: AbortSignal,
): Promise<CheckedModel[]> {
  return Promise.all(models.map((spec) => verifyModel(spec, folders, signal)));
}

async function verifyModel(
  spec: ModelSpec,
  folders: ModelFolders,
  signal: AbortSignal,
): Promise<CheckedModel> {
  const files = await Promise.all(spec.files.map((file) => verifyFile(file, folders, signal)));
  return { spec, files, state: worstOf(files) };
}

async function verifyFile(file: ModelFile, folders: ModelFolders, signal: AbortSignal): Promise<CheckedFile> {
  const place = await findPlace(file, folders);
  if (place === null) return { file, state: "missing", place, sha256: null };
  const sha256 = await hashFile(place.path, { signal }).catch(() => null);
  signal.throwIfAborted();
  return { file, state: sha256 === file.sha256 ? "ok" : "wrong_hash", place, sha256 };
}

function worstOf(files: readonly CheckedFile[]): FileState {
  const states = files.map(({ state }) => state);
  if (states.includes("wrong_hash")) return "wrong_hash";
  return states.includes("missing") ? "missing" : "ok";
}

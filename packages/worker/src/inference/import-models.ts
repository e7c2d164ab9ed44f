import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { hashFile } from "../input/hash.ts";
import type { ModelFile, ModelSpec } from "./manifest.ts";
import { storeModelFile } from "./model-store.ts";

/** A file of this machine that is one of a model. */
export interface FoundModelFile {
  path: string;
  spec: ModelSpec;
  file: ModelFile;
}

export interface FoundModelFiles {
  found: FoundModelFile[];
  /** Files that were named, or that are called like one of a model's, and are none. */
  strangers: string[];
}

/**
 * Finds model files by their sha256, whatever they are called. A directory is looked through to its depth.
 * @throws the system's error when there is nothing at the path, and the signal's reason.
 */
export async function findModelFiles(
  path: string,
  models: readonly ModelSpec[],
  signal: AbortSignal,
): Promise<FoundModelFiles> {
  const wanted = models.flatMap((spec) => spec.files.map((file) => ({ spec, file })));
  const isDirectory = (await stat(path)).isDirectory();
  const paths = isDirectory ? await filesIn(path) : [path];
  const result: FoundModelFiles = { found: [], strangers: [] };
  for (const candidate of paths) {
    signal.throwIfAborted();
    const match = await recognise(candidate, wanted, signal);
    if (match !== null) result.found.push({ path: candidate, ...match });
    else if (!isDirectory || wanted.some(({ file }) => file.name === basename(candidate)))
      result.strangers.push(candidate);
  }
  return result;
}

export interface ImportOptions {
  cacheDir: string;
  signal: AbortSignal;
}

/** Copies it into the cache under the name that the manifest gives it. @throws AppError `model_unavailable` when it has changed meanwhile. */
export function importModelFile({ path, spec, file }: FoundModelFile, options: ImportOptions): Promise<void> {
  return storeModelFile(createReadStream(path), file, { ...options, model: spec.id, from: basename(path) });
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

type Wanted = Pick<FoundModelFile, "spec" | "file">;

/** A file of another size is none: most of a directory need not be read. */
async function recognise(
  path: string,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<Wanted | null> {
  const { size } = await stat(path);
  const possible = wanted.filter(({ file }) => file.bytes === size);
  if (possible.length === 0) return null;
  const sha256 = await hashFile(path, { signal });
  return possible.find(({ file }) => file.sha256 === sha256) ?? null;
}

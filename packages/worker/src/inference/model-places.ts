import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ModelFile, ModelSpec } from "./manifest.ts";

export interface ModelFolders {
  /** Where an operator keeps weights by file name (`EARSHOT_MODELS_DIR`). Looked into first. */
  modelsDir?: string | undefined;
  /** Where pulled and imported weights are kept, by file name. */
  cacheDir?: string | undefined;
}

/** The operator's folder, ours, or a package of npm's. */
export type PlaceKind = "operator" | "cache" | "npm";

export interface Place {
  kind: PlaceKind;
  path: string;
}

/** The first place that has a file of this name, right or wrong: later ones are not looked at. null: none has. */
export async function findPlace(file: ModelFile, folders: ModelFolders): Promise<Place | null> {
  for (const place of placesOf(file, folders)) {
    if (await isFile(place.path)) return place;
  }
  return null;
}

/** Whether all files of a model are somewhere. Their hashes are not looked at. */
export async function isInstalled(spec: ModelSpec, folders: ModelFolders): Promise<boolean> {
  const places = await Promise.all(spec.files.map((file) => findPlace(file, folders)));
  return places.every((place) => place !== null);
}

/** In the order in which they are looked into. */
function placesOf(file: ModelFile, { modelsDir, cacheDir }: ModelFolders): Place[] {
  return [
    ...inFolder("operator", modelsDir, file),
    ...inFolder("cache", cacheDir, file),
    ...packagedPath(file).map((path): Place => ({ kind: "npm", path })),
  ];
}

function inFolder(kind: PlaceKind, folder: string | undefined, { name }: ModelFile): Place[] {
  return folder === undefined ? [] : [{ kind, path: join(folder, name) }];
}

/** Packages may export only ".", so that entry is resolved and the file is sought from its folder. */
function packagedPath({ npm }: ModelFile): string[] {
  if (npm === undefined) return [];
  try {
    const entry = createRequire(import.meta.url).resolve(npm.package);
    return [join(dirname(entry), npm.path)];
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

import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "@earshot/shared/log";
import { createLanes } from "../lanes.ts";
import { modelRef } from "../manifest.ts";
import type { ModelSpec } from "../manifest.ts";
import type { ModelFolders } from "../model-places.ts";
import { createRegistry } from "../registry.ts";
import type { Registry } from "../registry.ts";
import { optimizedFiles, PARITY_LIMIT } from "./optimized-record.ts";
import type { OptimizedFiles, OptimizedRecord } from "./optimized-record.ts";
import { compareModels, measureSpeedup, probePatches } from "./parity.ts";
import type { Parity } from "./parity.ts";
import { rewriteFile } from "./rewrites.ts";
import type { Rewrite } from "./rewrites.ts";

export interface OptimizeOptions extends ModelFolders {
  cacheDir: string;
  models: readonly ModelSpec[];
  log: Log;
  signal: AbortSignal;
}

export interface Optimized {
  /** Whether it differs by no more than the limit. Otherwise nothing was kept. */
  equal: boolean;
  parity: Parity;
  patches: number;
  /** How many times faster it ran, side by side on this machine. */
  speedup: number;
  path: string;
  graphSha256: string;
}

/**
 * Writes a model's graph anew, compares it with the published one on this machine, and keeps it only if they are equal. What
 * was kept before stays until then.
 * @throws AppError `model_unavailable` when the published file is not here; the signal's reason.
 */
export async function optimizeModel(
  spec: ModelSpec,
  rewrite: Rewrite,
  options: OptimizeOptions,
): Promise<Optimized> {
  const { cacheDir, models, modelsDir, signal } = options;
  const published = await createRegistry({ modelsDir, cacheDir, models, optimized: false }).resolve(spec.id);
  const files = optimizedFiles(spec, cacheDir);
  const candidate = join(files.directory, `.${spec.id}.${randomUUID()}`);
  const { bytes, sha256 } = await rewriteFile(rewrite, published.path);
  await mkdir(files.directory, { recursive: true, mode: 0o755 });
  try {
    await writeSynced(candidate, bytes);
    const found = await compare(spec, [published.path, candidate], options);
    signal.throwIfAborted();
    if (found.equal) await keep(candidate, files, recordOf(spec, rewrite, sha256, found));
    return { ...found, path: files.graph, graphSha256: sha256 };
  } finally {
    await rm(candidate, { force: true });
  }
}

type Comparison = Pick<Optimized, "equal" | "parity" | "patches" | "speedup">;

/** Both in one lane of one thread, so that nothing else differs between them. */
async function compare(
  spec: ModelSpec,
  paths: readonly [string, string],
  options: OptimizeOptions,
): Promise<Comparison> {
  const { log, signal } = options;
  const pair = [spec, { ...spec, id: `${spec.id}.rewritten` }] as const;
  const lanes = await createLanes({
    count: 1,
    threads: 1,
    device: "cpu",
    registry: registryOf(pair, paths),
    log,
  });
  try {
    const patches = await probePatches();
    const parity = await compareModels(lanes, pair, patches, signal);
    const speedup = await measureSpeedup(lanes, pair, patches, signal);
    const equal = Object.values(parity).every((difference) => difference <= PARITY_LIMIT);
    return { equal, parity, patches: patches.length, speedup };
  } finally {
    await lanes.close();
  }
}

/** Two graphs whose files were checked by whoever made them. */
function registryOf(pair: readonly [ModelSpec, ModelSpec], paths: readonly [string, string]): Registry {
  const isFirst = (id: string) => id === pair[0].id || id === modelRef(pair[0]);
  const find = (id: string) => (isFirst(id) ? pair[0] : pair[1]);
  return {
    models: pair,
    folders: {},
    find,
    readFile: (id) => Promise.reject(new Error(`${id} has no other file here`)),
    resolve: async (id) => ({ spec: find(id), path: isFirst(id) ? paths[0] : paths[1] }),
  };
}

function recordOf(
  spec: ModelSpec,
  rewrite: Rewrite,
  graphSha256: string,
  found: Comparison,
): OptimizedRecord {
  return {
    model: spec.id,
    revision: rewrite.revision,
    published_sha256: spec.files[0].sha256,
    graph_sha256: graphSha256,
    parity: found.parity,
    patches: found.patches,
  };
}

/** Between the two renames graph and record do not match, and the published graph is used. */
async function keep(candidate: string, files: OptimizedFiles, record: OptimizedRecord): Promise<void> {
  const unfinished = `${candidate}.json`;
  try {
    await writeSynced(unfinished, Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
    await rename(candidate, files.graph);
    await rename(unfinished, files.record);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx", 0o644);
  await file.writeFile(bytes);
  await file.sync();
}

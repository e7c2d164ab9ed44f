import { mkdir } from "node:fs/promises";
import type { Home } from "@earshot/cli/stack/home";
import { silentLog } from "@earshot/shared/log";
import { isInstalled } from "@earshot/worker/inference/model-places";
import { optimizeModel } from "@earshot/worker/inference/optimize/optimize-model";
import { rewriteOf } from "@earshot/worker/inference/optimize/rewrites";
import { createRegistry } from "@earshot/worker/inference/registry";

export interface BenchModels {
  /** Where weights are, for the worker. */
  modelsDir: string | undefined;
  /** Whether MusiCNN's are among them. Otherwise the pipeline runs what npm brings, and the figures say so. */
  hasMusicnn: boolean;
  described: string;
}

export async function findModels(modelsDir: string | undefined): Promise<BenchModels> {
  const hasMusicnn = await isInstalled(createRegistry().find("msd-musicnn-1"), { modelsDir });
  const described = hasMusicnn ? "published MusiCNN" : "Silero of npm; no MusiCNN in EARSHOT_MODELS_DIR";
  return { modelsDir, hasMusicnn, described };
}

/** Puts MusiCNN into the home as `earshot models optimize` does. @returns its record's figures. */
export async function optimizeInto(home: Home, { modelsDir }: BenchModels) {
  const { models, find } = createRegistry();
  const spec = find("msd-musicnn-1");
  const rewrite = rewriteOf(spec);
  if (rewrite === null) throw new Error("MusiCNN has no rewrite");
  const { signal } = new AbortController();
  await mkdir(home.models, { recursive: true });
  const options = { modelsDir, cacheDir: home.models, models, log: silentLog, signal };
  const { equal, parity, speedup } = await optimizeModel(spec, rewrite, options);
  if (!equal) throw new Error("the rewritten MusiCNN is not equal on this machine");
  return { parity, speedup };
}

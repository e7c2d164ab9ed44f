import { silentLog } from "@earshot/shared/log";
import type { ModelSpec } from "@earshot/worker/inference/manifest";
import { isInstalled } from "@earshot/worker/inference/model-places";
import { optimizeModel } from "@earshot/worker/inference/optimize/optimize-model";
import type { Optimized } from "@earshot/worker/inference/optimize/optimize-model";
import { rewriteOf } from "@earshot/worker/inference/optimize/rewrites";
import type { Rewrite } from "@earshot/worker/inference/optimize/rewrites";
import { makeHome } from "../stack/home.ts";
import { EXIT, interruptedError, usageError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { selectModels } from "./models-context.ts";
import type { ModelsContext } from "./models-context.ts";
import { nearPath } from "./near-path.ts";

interface Target {
  spec: ModelSpec;
  rewrite: Rewrite;
}

/** Writes faster graphs of what is here. Answers 1 when one of them is not equal to the published one, and keeps none such. */
export async function optimizeModels(
  names: readonly string[],
  { json }: { json?: true },
  context: ModelsContext,
): Promise<ExitStatus> {
  const { terminal, models, folders, home } = context;
  const { signal } = terminal;
  await makeHome(home);
  const found: (Optimized & { model: string })[] = [];
  try {
    for (const { spec, rewrite } of await targetsOf(names, context)) {
      const optimized = await optimizeModel(spec, rewrite, { ...folders, models, log: silentLog, signal });
      found.push({ model: spec.id, ...optimized });
    }
  } catch (error) {
    throw signal.aborted ? interruptedError() : error;
  }
  if (json) terminal.out(JSON.stringify({ optimized: found.map(toJson) }));
  else for (const line of linesOf(found)) terminal.out(line);
  return found.every(({ equal }) => equal) ? EXIT.done : EXIT.failed;
}

/** Those that were named, or all that are here. @throws CommandError for a name without a rewrite. */
async function targetsOf(names: readonly string[], { models, folders }: ModelsContext): Promise<Target[]> {
  const withRewrite = (specs: readonly ModelSpec[]): Target[] =>
    specs.flatMap((spec) => {
      const rewrite = rewriteOf(spec);
      return rewrite === null ? [] : [{ spec, rewrite }];
    });
  if (names.length > 0) {
    const targets = withRewrite(selectModels(names, models));
    if (targets.length > 0) return targets;
    const known = withRewrite(models).map(({ spec }) => spec.id);
    throw usageError(`There is no faster form of ${names.join(", ")}, only of ${known.join(", ")}.`, {
      known,
    });
  }
  const here = await Promise.all(models.map((spec) => isInstalled(spec, folders)));
  return withRewrite(models.filter((_, index) => here[index]));
}

function toJson({
  model,
  equal,
  parity,
  patches,
  speedup,
  path,
  graphSha256,
}: Optimized & { model: string }) {
  return { model, equal, parity, patches, speedup, path: equal ? path : null, graph_sha256: graphSha256 };
}

function linesOf(found: readonly (Optimized & { model: string })[]): string[] {
  if (found.length === 0) return ["None of the models that are here has a faster form."];
  return found.map(({ model, equal, parity, patches, speedup, path }) => {
    const difference = Math.max(...Object.values(parity)).toExponential(1);
    const compared = `largest difference ${difference} over ${patches} patches`;
    if (!equal) return `${model} is not equal on this machine (${compared}). Nothing was kept.`;
    return `${model} runs ${speedup.toFixed(1)} times as fast here, ${compared}: ${nearPath(path)}`;
  });
}

import { pullModel } from "@earshot/worker/inference/pull-model";
import { findTaskGaps, tasksOfModel } from "@earshot/worker/inference/task-models";
import { verifyModels } from "@earshot/worker/inference/verify-models";
import type { CheckedModel } from "@earshot/worker/inference/verify-models";
import { createProgress } from "../client/progress.ts";
import { makeHome } from "../stack/home.ts";
import { interruptedError, missingError, usageError } from "./command-error.ts";
import { pullAdvice } from "./models-advice.ts";
import { selectModels } from "./models-context.ts";
import type { ModelsContext } from "./models-context.ts";
import { requireLicences } from "./models-licences.ts";
import type { LicenceOptions } from "./models-licences.ts";
import { nearPath } from "./near-path.ts";

export interface PullModelsOptions extends LicenceOptions {
  all?: true;
  json?: true;
}

/** Fetches what is not here of the named models, or of all. @throws CommandError, AppError `model_unavailable`. */
export async function pullModels(
  names: readonly string[],
  options: PullModelsOptions,
  context: ModelsContext,
): Promise<void> {
  const { terminal, models, folders, home } = context;
  if (names.length === 0 && !options.all) throw usageError("Name models or tasks, or say --all.");
  const wanted = options.all ? models : selectModels(names, models);
  const checked = await verifyModels(wanted, folders, terminal.signal);
  for (const model of checked) refuseOperatorsDamage(model);
  const lacking = checked.filter(({ state }) => state !== "ok");
  if (lacking.length > 0) {
    await makeHome(home);
    await requireLicences(
      lacking.map(({ spec }) => spec),
      options,
      context,
    );
    await pullAll(lacking, context);
  }
  print(checked, options, context);
  if (!options.json) await printGaps(checked, context);
}

/** A pull can't mend it: that folder goes before ours. */
function refuseOperatorsDamage({ files }: CheckedModel): void {
  const damaged = files.find(({ state, place }) => state === "wrong_hash" && place?.kind === "operator");
  if (damaged === undefined) return;
  const { name } = damaged.file;
  throw missingError(
    `${name} in EARSHOT_MODELS_DIR is not the published file, and goes before what is pulled. Replace it, or remove it there.`,
    { file: name, sha256: damaged.file.sha256, actual_sha256: damaged.sha256 },
  );
}

async function pullAll(lacking: readonly CheckedModel[], context: ModelsContext): Promise<void> {
  const { terminal, folders, fetch } = context;
  const progress = createProgress(terminal.progress);
  try {
    for (const { spec } of lacking) {
      const onProgress = (fraction: number) => progress.show(spec.id, fraction);
      onProgress(0);
      await pullModel(spec, { cacheDir: folders.cacheDir, fetch, signal: terminal.signal, onProgress });
    }
  } catch (error) {
    throw terminal.signal.aborted ? interruptedError() : error;
  } finally {
    progress.end();
  }
}

function print(
  checked: readonly CheckedModel[],
  { json }: PullModelsOptions,
  { terminal, folders }: ModelsContext,
): void {
  const [here, pulled] = [true, false].map((wasHere) =>
    checked.filter(({ state }) => (state === "ok") === wasHere).map(({ spec }) => spec.id),
  );
  if (json) return terminal.out(JSON.stringify({ pulled, already_here: here }));
  for (const id of pulled ?? []) terminal.out(`${id} pulled into ${nearPath(folders.cacheDir)}`);
  for (const id of here ?? []) terminal.out(`${id} is here already`);
  if (checked.length === 0) terminal.out("No model is needed for that.");
}

/** What the tasks of these models still lack. */
async function printGaps(checked: readonly CheckedModel[], context: ModelsContext): Promise<void> {
  const { terminal, models, folders } = context;
  const tasks = checked.flatMap(({ spec }) => tasksOfModel(spec, models));
  const gaps = await findTaskGaps(models, folders);
  const advice = pullAdvice(gaps.filter(({ task }) => tasks.includes(task)));
  if (advice !== null) terminal.out(advice);
}

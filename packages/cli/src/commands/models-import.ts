import { findModelFiles, importModelFile } from "@earshot/worker/inference/import-models";
import type { FoundModelFiles } from "@earshot/worker/inference/import-models";
import { isNotFound } from "../stack/secret-file.ts";
import { makeHome } from "../stack/home.ts";
import { AppError } from "@earshot/shared/domain/errors";
import { CommandError, EXIT, interruptedError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import type { ModelsContext } from "./models-context.ts";
import { requireLicences } from "./models-licences.ts";
import type { LicenceOptions } from "./models-licences.ts";

export interface ImportModelsOptions extends LicenceOptions {
  json?: true;
}

/** Copies model files into the cache. Answers 1 when a file that was named, or is called like one, is none. */
export async function importModels(
  paths: readonly string[],
  options: ImportModelsOptions,
  context: ModelsContext,
): Promise<ExitStatus> {
  const { terminal, home, folders } = context;
  const { signal } = terminal;
  try {
    const { found, strangers } = await findAll(paths, context);
    if (found.length + strangers.length === 0) throw nothingFound(paths);
    if (found.length > 0) await makeHome(home);
    await requireLicences(
      found.map(({ spec }) => spec),
      options,
      context,
    );
    for (const file of found) await importModelFile(file, { cacheDir: folders.cacheDir, signal });
    print({ found, strangers }, options, context);
    return strangers.length === 0 ? EXIT.done : EXIT.failed;
  } catch (error) {
    throw signal.aborted ? interruptedError() : error;
  }
}

async function findAll(paths: readonly string[], context: ModelsContext): Promise<FoundModelFiles> {
  const { terminal, models } = context;
  const all: FoundModelFiles = { found: [], strangers: [] };
  for (const path of paths) {
    const { found, strangers } = await findModelFiles(path, models, terminal.signal).catch(
      (error: unknown) => {
        if (!isNotFound(error)) throw error;
        throw new AppError("input_unreachable", {
          message: `There is no file ${path}.`,
          detail: { file: path },
        });
      },
    );
    all.found.push(...found);
    all.strangers.push(...strangers);
  }
  return all;
}

function nothingFound(paths: readonly string[]): CommandError {
  const message = `There is no model file in ${paths.join(", ")}. They are known by their sha256: earshot models list`;
  return new CommandError(EXIT.failed, "input_mismatch", message, { paths });
}

function print(
  { found, strangers }: FoundModelFiles,
  { json }: ImportModelsOptions,
  { terminal }: ModelsContext,
): void {
  const imported = found.map(({ spec, path }) => ({ model: spec.id, path }));
  if (json) return terminal.out(JSON.stringify({ imported, not_recognised: strangers }));
  for (const { model, path } of imported) terminal.out(`${model} imported from ${path}`);
  for (const path of strangers)
    terminal.err(`${path} is not a published model file: its sha256 is in no entry of models.json.`);
}

import { remedyFor, replacementOf } from "@earshot/worker/inference/model-unavailable";
import { verifyModels } from "@earshot/worker/inference/verify-models";
import type { CheckedFile, CheckedModel } from "@earshot/worker/inference/verify-models";
import { EXIT, interruptedError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { selectModels } from "./models-context.ts";
import type { ModelsContext } from "./models-context.ts";
import { nearPath } from "./near-path.ts";

/**
 * Hashes the models that are here. Answers 1 when a file is another than the published one, or when one is missing that
 * was named or comes with every install.
 */
export async function verifyModelsHere(
  names: readonly string[],
  { json }: { json?: true },
  context: ModelsContext,
): Promise<ExitStatus> {
  const { terminal, models, folders } = context;
  const wanted = names.length === 0 ? models : selectModels(names, models);
  const checked = await verifyModels(wanted, folders, terminal.signal).catch((error: unknown) => {
    throw terminal.signal.aborted ? interruptedError() : error;
  });
  const mustBeHere = (file: CheckedFile) => names.length > 0 || file.file.npm !== undefined;
  const isWrong = (file: CheckedFile) =>
    file.state === "wrong_hash" || (file.state === "missing" && mustBeHere(file));
  const isOk = !checked.some(({ files }) => files.some(isWrong));
  if (json) terminal.out(JSON.stringify({ ok: isOk, models: checked.map(modelJson) }));
  else for (const line of checked.flatMap(linesOf)) terminal.out(line);
  return isOk ? EXIT.done : EXIT.failed;
}

function modelJson({ spec, state, files }: CheckedModel) {
  return {
    id: spec.id,
    version: spec.version,
    state,
    files: files.map(({ file, state, place, sha256 }) => ({
      name: file.name,
      state,
      place: place?.kind ?? null,
      path: place?.path ?? null,
      sha256: file.sha256,
      actual_sha256: sha256,
    })),
  };
}

const MARKS = { ok: "ok        ", wrong_hash: "WRONG HASH", missing: "not here  " } as const;

function linesOf({ spec, files }: CheckedModel): string[] {
  return files.flatMap((checked) => {
    const { file, state, place } = checked;
    const where = place === null ? "" : `  ${nearPath(place.path)}`;
    const remedy = place === null ? remedyFor(spec, file) : replacementOf(spec, file, place);
    return [
      `${MARKS[state]}  ${spec.id}${where}`,
      ...(state === "wrong_hash" ? [`${"".padEnd(12)}→ ${remedy}`] : []),
    ];
  });
}

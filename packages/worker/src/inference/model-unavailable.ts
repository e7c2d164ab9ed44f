import { AppError } from "@earshot/shared/domain/errors";
import type { ModelFile, ModelSpec } from "./manifest.ts";
import type { Place } from "./model-places.ts";

/** `what` finishes the sentence that begins with the model's name. No path of this machine may be in it. */
export function modelUnavailable(
  model: string,
  what: string,
  { detail = {}, cause }: { detail?: Record<string, unknown>; cause?: unknown } = {},
): AppError {
  return new AppError("model_unavailable", {
    message: `Model ${model} ${what}.`,
    detail: { model, ...detail },
    cause,
  });
}

/** What to type to get a model. Of those that work together only, such as the heads of a task, all are pulled. */
function pullCommand({
  id,
  task,
  needs,
  licence,
  requires_acceptance: mustAccept,
}: Pick<ModelSpec, "id" | "task" | "needs" | "licence" | "requires_acceptance">): string {
  const name = needs === undefined ? id : task;
  return `earshot models pull ${name}${mustAccept ? ` --accept-licence ${licence}` : ""}`;
}

/** What to do about a file that is not there. */
export function remedyFor(spec: ModelSpec, { name, url }: ModelFile): string {
  const byHand = `put ${name} into EARSHOT_MODELS_DIR`;
  return url === undefined ? byHand : `run "${pullCommand(spec)}", or ${byHand} (from ${url})`;
}

/** What to do about a file that is not the published one. A pull changes nothing where the operator's own goes first. */
export function replacementOf(spec: ModelSpec, { name }: ModelFile, { kind }: Pick<Place, "kind">): string {
  switch (kind) {
    case "operator":
      return `replace ${name} in EARSHOT_MODELS_DIR, or remove it there`;
    case "cache":
      return `run "${pullCommand(spec)}" to replace it`;
    case "npm":
      return "install the dependencies again to replace it";
  }
}

import * as z from "zod";
import { publishedModels } from "@earshot/shared/domain/models";
import type { PublishedModel } from "@earshot/shared/domain/models";

export const ModelBody = z
  .object({
    id: z.string(),
    version: z.string(),
    tasks: z.array(z.string()),
    labels: z.array(z.string()).describe("The classes that it scores, in the order of its output."),
    licence: z.string(),
    licence_url: z.url(),
    licence_note: z.string().nullable(),
    requires_acceptance: z.boolean().describe("Somebody must accept the licence before the model is pulled."),
    sha256: z.string().describe("Of the graph, the first of the files."),
    files: z.array(z.object({ name: z.string(), sha256: z.string(), bytes: z.int() })),
  })
  .meta({ id: "Model" });

export type ModelBody = z.output<typeof ModelBody>;

/** Every model that this version of the product knows, installed or not. */
export function knownModels(): readonly ModelBody[] {
  // Not when the module is loaded: at the edge that is the start of every isolate.
  known ??= publishedModels().map(modelBody);
  return known;
}

let known: readonly ModelBody[] | undefined;

function modelBody(model: PublishedModel): ModelBody {
  const { id, version, tasks, labels, licence, licence_url, licence_note, requires_acceptance, files } =
    model;
  return {
    id,
    version,
    tasks,
    labels: Object.values(labels).flat(),
    licence,
    licence_url,
    licence_note: licence_note ?? null,
    requires_acceptance,
    sha256: files[0].sha256,
    files,
  };
}

import { publishedModels } from "@earshot/shared/domain/models";
import type { PublishedModel } from "@earshot/shared/domain/models";
import type { ModelBody } from "./routes/models/model-body.ts";

/** Every model that this version of the product knows, installed or not. */
export function knownModels(): ModelBody[] {
  return publishedModels().map(modelBody);
}

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

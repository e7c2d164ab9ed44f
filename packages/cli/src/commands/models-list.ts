import type { ModelSpec } from "@earshot/worker/inference/manifest";
import { findPlace } from "@earshot/worker/inference/model-places";
import { findTaskGaps, tasksOfModel } from "@earshot/worker/inference/task-models";
import { pullAdvice } from "./models-advice.ts";
import type { ModelsContext } from "./models-context.ts";

/** Shows every model of the manifest, and whether it is here. Hashes are not looked at: that is `verify`. */
export async function listModels({ json }: { json?: true }, context: ModelsContext): Promise<void> {
  const { terminal, models, folders } = context;
  const listed = await Promise.all(models.map((spec) => describe(spec, context)));
  if (json) return terminal.out(JSON.stringify(listed));
  const widest = Math.max(...models.map(({ id }) => id.length));
  for (const model of listed) terminal.out(lineOf(model, widest));
  const advice = pullAdvice(await findTaskGaps(models, folders));
  if (advice !== null) terminal.out(`\n${advice}`);
}

type Listed = Awaited<ReturnType<typeof describe>>;

async function describe(spec: ModelSpec, { models, folders }: ModelsContext) {
  const places = await Promise.all(spec.files.map((file) => findPlace(file, folders)));
  return {
    id: spec.id,
    version: spec.version,
    tasks: tasksOfModel(spec, models),
    licence: spec.licence,
    licence_url: spec.licence_url,
    licence_note: spec.licence_note ?? null,
    requires_acceptance: spec.requires_acceptance,
    installed: places.every((place) => place !== null),
    /** Of its graph. */
    place: places[0]?.kind ?? null,
    size_bytes: spec.files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

const PLACES = { operator: "in EARSHOT_MODELS_DIR", cache: "here", npm: "here (npm)" } as const;

function lineOf(model: Listed, widest: number): string {
  const place = model.installed && model.place !== null ? PLACES[model.place] : "not here";
  const size = `${(model.size_bytes / 1e6).toFixed(1)} MB`;
  const columns = [
    model.id.padEnd(widest),
    model.version.padEnd(4),
    size.padStart(8),
    place.padEnd(21),
    model.licence.padEnd(16),
    model.tasks.join(", "),
  ];
  return columns.join("  ");
}

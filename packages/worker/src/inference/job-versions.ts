import type { TaskName } from "@earshot/shared/domain/tasks";
import { isInstalled } from "./model-places.ts";
import type { Inference } from "./inference.ts";
import type { Registry } from "./registry.ts";
import { modelsOfTask } from "./task-models.ts";

export interface JobVersions {
  /** By model id. */
  versions: Record<string, string>;
  /** `id@version` of those that the job began with and this worker does not have. */
  gone: string[];
}

/**
 * A job stays with the versions that it began with, whoever takes it up. Where one is not here any more the current one takes its
 * place: an attempt that failed left no result, so all that is told of the job still comes from one version.
 */
export async function jobVersions(
  tasks: readonly TaskName[],
  earlier: Readonly<Record<string, string>> | null,
  registry: Pick<Registry, "models" | "folders" | "find">,
): Promise<JobVersions> {
  const found: JobVersions = { versions: {}, gone: [] };
  for (const { id } of tasks.flatMap((task) => modelsOfTask(task, registry.models))) {
    if (found.versions[id] !== undefined) continue;
    const began = earlier?.[id];
    const spec = registry.models.find((model) => model.id === id && model.version === began);
    const isHere = spec !== undefined && (await isInstalled(spec, registry.folders));
    if (began !== undefined && !isHere && began !== registry.find(id).version)
      found.gone.push(`${id}@${began}`);
    found.versions[id] = isHere ? spec.version : registry.find(id).version;
  }
  return found;
}

/** The same lanes, with these versions of their models. */
export function withVersions(inference: Inference, versions: Readonly<Record<string, string>>): Inference {
  const ref = (id: string) => (versions[id] === undefined ? id : `${id}@${versions[id]}`);
  return {
    window: inference.window,
    identify: (id) => inference.identify(ref(id)),
    describe: (id) => inference.describe(ref(id)),
    load: (id, signal) => inference.load(ref(id), signal),
    scan: (id, request, signal) => inference.scan(ref(id), request, signal),
    run: (id, feeds, signal) => inference.run(ref(id), feeds, signal),
    generate: (id, request, signal) => inference.generate(ref(id), request, signal),
    readFile: (id, name) => inference.readFile(ref(id), name),
  };
}

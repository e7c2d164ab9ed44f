import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { Lanes } from "./lanes.ts";
import { modelRef } from "./manifest.ts";
import { isInstalled } from "./model-places.ts";
import type { ModelFolders } from "./model-places.ts";
import type { Registry } from "./registry.ts";

/**
 * Before the first job: every model that is here is loaded, warmed and asked its probe. A wrong answer, or a device on
 * which nothing loads, makes the lanes defunct; one model that can't be used fails the tasks that want it, later.
 */
export async function checkFitness(
  lanes: Lanes,
  { registry, folders, log }: { registry: Registry; folders: ModelFolders; log: Log },
): Promise<void> {
  const { signal } = new AbortController();
  const failures: unknown[] = [];
  const installed = await Promise.all(
    registry.models.map(async (spec) => ((await isInstalled(spec, folders)) ? [spec] : [])),
  );
  for (const { id, version } of installed.flat()) {
    try {
      await lanes.load(modelRef({ id, version }), signal);
    } catch (error) {
      log.warn("model_not_usable", { model: id, version, ...describeError(error) });
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first instanceof Error && failures.length === installed.flat().length) lanes.declareDefunct(first);
}

import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { LaneExit } from "./lane-errors.ts";
import type { Lanes } from "./lanes.ts";
import { modelRef } from "./manifest.ts";
import { isInstalled } from "./model-places.ts";
import type { Registry } from "./registry.ts";

const LANES_PER_MODEL = 3;

/**
 * Before the first job: every model that is here is loaded, warmed and asked its probe. A wrong answer, or a device on
 * which nothing loads, makes the lanes defunct; one model that can't be used fails the tasks that want it, later.
 */
export async function checkFitness(
  lanes: Lanes,
  { registry, log }: { registry: Registry; log: Log },
): Promise<void> {
  const { signal } = new AbortController();
  const failures: unknown[] = [];
  const installed = await Promise.all(
    registry.models.map(async (spec) => ((await isInstalled(spec, registry.folders)) ? [spec] : [])),
  );
  for (const { id, version } of installed.flat()) {
    try {
      await loadPatiently(lanes, modelRef({ id, version }), signal);
    } catch (error) {
      log.warn("model_not_usable", { model: id, version, ...describeError(error) });
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first instanceof Error && failures.length === installed.flat().length) lanes.declareDefunct(first);
}

/** A lane that something killed says nothing of the machine: another one is asked. One that dies of the model does so each time. */
async function loadPatiently(lanes: Lanes, ref: string, signal: AbortSignal): Promise<void> {
  for (let left = LANES_PER_MODEL; ; left--) {
    try {
      await lanes.load(ref, signal);
      return;
    } catch (error) {
      if (left === 1 || !(error instanceof Error && error.cause instanceof LaneExit)) throw error;
    }
  }
}

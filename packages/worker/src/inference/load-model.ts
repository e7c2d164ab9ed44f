import { AppError } from "@earshot/shared/domain/errors";
import { providerOf } from "./device.ts";
import type { Device } from "./device.ts";
import { probeError, probeFeeds } from "./golden-probe.ts";
import type { Lane } from "./lane.ts";
import { LaneFailure } from "./lane-errors.ts";
import { modelRef } from "./manifest.ts";
import type { ModelSpec } from "./manifest.ts";
import { modelUnavailable } from "./model-unavailable.ts";
import type { ResolvedModel } from "./registry.ts";

/** This machine computes something else than it should: whatever it says of any audio is worth nothing. */
export class WrongAnswers extends AppError {
  constructor(spec: ModelSpec, device: Device, what: string) {
    const message = `Model ${spec.id} gives wrong answers on ${device}: ${what}.`;
    super("internal", { message, detail: { model: spec.id, device } });
  }
}

/**
 * Loads a model in a lane and asks it what it must know: damaged weights, a bad driver or memory that forgets load without
 * a word.
 * @throws AppError `model_unavailable`; WrongAnswers.
 */
export async function loadModel(
  lane: Lane,
  { spec, path }: ResolvedModel,
  { device, budgetBytes }: { device: Device; budgetBytes: number },
  stop: AbortSignal,
): Promise<void> {
  if (!spec.devices.includes(providerOf(device).provider)) {
    throw modelUnavailable(spec.id, `does not run on ${device}`);
  }
  for (const modelId of lane.toEvictFor(bytesOf(spec), budgetBytes)) {
    await lane.call({ kind: "unload", modelId }, stop);
  }
  try {
    await lane.call({ kind: "load", spec, path, bytes: bytesOf(spec) }, stop);
  } catch (error) {
    if (!(error instanceof LaneFailure)) throw error;
    const message = `Model ${spec.id} could not be loaded on ${device}: ${error.message}`;
    throw new AppError("model_unavailable", { message, detail: { model: spec.id }, cause: error });
  }
  const feeds = probeFeeds(spec);
  if (feeds === null) return;
  const wrong = probeError(spec, await lane.call({ kind: "run", modelId: modelRef(spec), feeds }, stop));
  if (wrong !== null) throw new WrongAnswers(spec, device, wrong);
}

/** What a model takes up, as far as its files tell. */
function bytesOf({ files }: ModelSpec): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

import { availableParallelism } from "node:os";
import type { TaskName } from "@earshot/shared/domain/tasks";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import type { BatchLimits } from "./inference/batcher.ts";
import { checkFitness } from "./inference/check-fitness.ts";
import { defaultsFor } from "./inference/device.ts";
import type { Device } from "./inference/device.ts";
import { jobVersions } from "./inference/job-versions.ts";
import type { JobVersions } from "./inference/job-versions.ts";
import type { RecycleLimits } from "./inference/pool-options.ts";
import { createLanes } from "./inference/lanes.ts";
import type { Lanes, LanesLimits } from "./inference/lanes.ts";
import type { EngineFigures } from "./inference/observer.ts";
import { readModels } from "./inference/read-models.ts";
import { createRegistry } from "./inference/registry.ts";
import type { LiveRegistry, RegistryOptions } from "./inference/registry.ts";
import { createDecoder } from "./input/decoder.ts";
import type { Decoder } from "./input/decoder.ts";
import { findFfmpeg, INSTALL_FFMPEG } from "./input/ffmpeg.ts";
import { detectSandbox } from "./input/sandbox.ts";
import { readTags } from "./input/tags.ts";
import type { Tags } from "./input/tags.ts";

/** What may change while an engine works. */
export interface EngineSettings {
  /** What is left out of these has the device's default. */
  lanes?: number | undefined;
  batch?: Partial<BatchLimits> | undefined;
  recycle?: Partial<RecycleLimits> | undefined;
  /** What the models of one lane may take up, by their files. */
  modelBytes?: number | undefined;
  modelsDir: string | undefined;
  /** Where pulled weights are, after `modelsDir`. */
  cacheDir?: string | undefined;
  /** Models of the operator's own, before those that come with Earshot. */
  manifestFile?: string | undefined;
}

export interface EngineOptions extends EngineSettings {
  threads: number;
  device: Device;
  /** Where models run when they can't on `device`. Without it the engine is defunct then. */
  fallback?: Device | undefined;
  /** Whether every model here is loaded and probed before the first call, not at the first that needs it. */
  fitnessCheck?: "at start" | "at first use";
  /** The whole environment of a lane. */
  laneEnv?: Readonly<Record<string, string>>;
  /** The shape of PATH: where ffmpeg and the sandbox's programs are looked for. */
  searchPath: string;
  log: Log;
}

/** What turns audio into results on this machine: a decoder and the lanes. A worker has one, and so has `earshot analyze`. */
export interface Engine extends AsyncDisposable {
  decoder: Decoder;
  inference: Lanes;
  readTags(file: string, options: { signal: AbortSignal }): Promise<Tags>;
  /** Jobs that it has room for at once: one more than its lanes, to be decoded while they work. 0 while no lane runs. */
  slots(): number;
  /**
   * The version of each model that a job runs: those that it began with, where they are still here. `gone`: those that are
   * not, and were replaced by the current ones.
   */
  versionsFor(
    tasks: readonly TaskName[],
    earlier: Readonly<Record<string, string>> | null,
  ): Promise<JobVersions>;
  /** Takes these over. Calls under way end as they began, and jobs with the versions of their models. @throws Error, and nothing has changed. */
  reload(settings: EngineSettings): Promise<void>;
  /** For metrics and readiness. */
  observe(): EngineFigures & { fallbackFrom: Device | null };
}

/** @throws AppError `internal` when a lane does not start. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { log, searchPath } = options;
  const [ffmpeg, sandbox] = await Promise.all([findFfmpeg(searchPath), detectSandbox({ searchPath })]);
  if (ffmpeg === null) log.warn("ffmpeg_missing", { hint: INSTALL_FFMPEG });
  const registry = createRegistry(await sourcesOf(options));
  const { device, inference } = await openFitLanes(options, registry);
  const isFallback = device !== options.device;
  const leastSlots = defaultsFor(device, availableParallelism()).slots;
  return {
    decoder: createDecoder({ ffmpeg, sandbox }),
    inference,
    readTags: (file, { signal }) => readTags(file, { sandbox, log, signal }),
    slots() {
      const { alive, wanted } = inference.observe().lanes;
      const canWork = alive > 0 && !inference.defunct.aborted;
      return canWork ? Math.max(leastSlots, wanted + 1) : 0;
    },
    versionsFor: (tasks, earlier) => jobVersions(tasks, earlier, registry),
    async reload(settings) {
      registry.reload(await sourcesOf(settings));
      inference.limit(limitsOf(isFallback ? withoutLanes(settings) : settings, device));
    },
    observe: () => ({
      ...inference.observe(),
      fallbackFrom: isFallback ? options.device : null,
    }),
    [Symbol.asyncDispose]: () => inference.close(),
  };
}

/** Another device is taken only where the operator said so, and never without a word: other results say `device`. */
async function openFitLanes(
  options: EngineOptions,
  registry: LiveRegistry,
): Promise<{ device: Device; inference: Lanes }> {
  const { device, fallback, log } = options;
  const inference = await openLanes(options, device, registry);
  if (!inference.defunct.aborted || fallback === undefined || fallback === device)
    return { device, inference };
  log.error("device_fallback", { from: device, to: fallback, ...describeError(inference.defunct.reason) });
  await inference.close();
  return { device: fallback, inference: await openLanes(withoutLanes(options), fallback, registry) };
}

/** Their number was meant for the other device. */
function withoutLanes<Settings extends EngineSettings>(settings: Settings): Settings {
  return { ...settings, lanes: undefined };
}

async function openLanes(options: EngineOptions, device: Device, registry: LiveRegistry): Promise<Lanes> {
  const { threads, log, laneEnv = {} } = options;
  const inference = await createLanes({
    ...limitsOf(options, device),
    threads,
    device,
    registry,
    log,
    env: laneEnv,
  });
  if (options.fitnessCheck === "at start") await checkFitness(inference, { registry, log });
  return inference;
}

function limitsOf({ lanes, batch, recycle, modelBytes }: EngineSettings, device: Device): LanesLimits {
  const defaults = defaultsFor(device, availableParallelism());
  return {
    count: lanes ?? defaults.lanes,
    batch: { ...defaults.batch, ...batch },
    recycle: { ...defaults.recycle, ...recycle },
    modelBytes,
  };
}

async function sourcesOf({ modelsDir, cacheDir, manifestFile }: EngineSettings): Promise<RegistryOptions> {
  return { modelsDir, cacheDir, models: await readModels(manifestFile) };
}

import type { Log } from "@earshot/shared/log";
import type { BatchLimits } from "./inference/batcher.ts";
import { createLanes } from "./inference/lanes.ts";
import type { Lanes } from "./inference/lanes.ts";
import type { Device } from "./inference/protocol.ts";
import { createRegistry } from "./inference/registry.ts";
import { createDecoder } from "./input/decoder.ts";
import type { Decoder } from "./input/decoder.ts";
import { findFfmpeg, INSTALL_FFMPEG } from "./input/ffmpeg.ts";
import { detectSandbox } from "./input/sandbox.ts";
import { readTags } from "./input/tags.ts";
import type { Tags } from "./input/tags.ts";

export interface EngineOptions {
  lanes: number;
  threads: number;
  device: Device;
  /** How calls share runs of a model; what is left out has the default. */
  batch?: Partial<BatchLimits>;
  modelsDir: string | undefined;
  /** Where pulled weights are, after `modelsDir`. */
  cacheDir?: string | undefined;
  /** The shape of PATH: where ffmpeg and the sandbox's programs are looked for. */
  searchPath: string;
  log: Log;
}

/** What turns audio into results on this machine: a decoder and the lanes. A worker has one, and so has `earshot analyze`. */
export interface Engine extends AsyncDisposable {
  decoder: Decoder;
  inference: Lanes;
  readTags(file: string, options: { signal: AbortSignal }): Promise<Tags>;
}

/** @throws AppError `internal` when a lane does not start. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { log, searchPath } = options;
  const [ffmpeg, sandbox] = await Promise.all([findFfmpeg(searchPath), detectSandbox({ searchPath })]);
  if (ffmpeg === null) log.warn("ffmpeg_missing", { hint: INSTALL_FFMPEG });
  const inference = await createLanes({
    count: options.lanes,
    threads: options.threads,
    device: options.device,
    ...(options.batch === undefined ? {} : { batch: options.batch }),
    registry: createRegistry({ modelsDir: options.modelsDir, cacheDir: options.cacheDir }),
    log,
  });
  return {
    decoder: createDecoder({ ffmpeg, sandbox }),
    inference,
    readTags: (file, { signal }) => readTags(file, { sandbox, log, signal }),
    [Symbol.asyncDispose]: () => inference.close(),
  };
}

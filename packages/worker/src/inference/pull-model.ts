import { watchForStall } from "../egress/stall-watch.ts";
import { hashFile } from "../input/hash.ts";
import type { ModelFile, ModelSpec } from "./manifest.ts";
import { findPlace } from "./model-places.ts";
import { storeModelFile } from "./model-store.ts";
import { modelUnavailable } from "./model-unavailable.ts";

/** The part of the global `fetch` that a pull uses. */
export type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Response>;

export interface PullOptions {
  cacheDir: string;
  fetch: Fetch;
  signal: AbortSignal;
  /** Told which part of the model's bytes is here, 0 to 1. */
  onProgress?: (fraction: number) => void;
  /** How long the far side may send nothing. */
  stallMs?: number;
}

const STALL_MS = 30_000;

/**
 * Fetches the files of a model from the URLs of its manifest into the cache. Those that are there with the right hash
 * are not fetched again.
 * @throws AppError `model_unavailable` that says what went wrong and what to do; the signal's reason. No file is kept then
 * that is not the published one.
 */
export async function pullModel(spec: ModelSpec, options: PullOptions): Promise<void> {
  const { cacheDir, signal, onProgress = () => {} } = options;
  const total = spec.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const file of spec.files) {
    if (!(await isCached(file, cacheDir, signal))) {
      await pullFile(spec, file, { ...options, onBytes: (bytes) => onProgress((done + bytes) / total) });
    }
    done += file.bytes;
    onProgress(done / total);
  }
}

async function isCached(file: ModelFile, cacheDir: string, signal: AbortSignal): Promise<boolean> {
  const place = await findPlace({ ...file, npm: undefined }, { cacheDir });
  return place !== null && (await hashFile(place.path, { signal })) === file.sha256;
}

type FileOptions = PullOptions & { onBytes: (bytes: number) => void };

async function pullFile(spec: ModelSpec, file: ModelFile, options: FileOptions): Promise<void> {
  const { cacheDir, fetch, onBytes, stallMs = STALL_MS } = options;
  if (file.url === undefined) throw modelUnavailable(spec.id, `has no URL to pull ${file.name} from`);
  using stall = watchForStall(stallMs);
  const signal = AbortSignal.any([options.signal, stall.signal]);
  const moved = (bytes: number) => {
    stall.moved();
    onBytes(bytes);
  };
  const from = new URL(file.url).host;
  try {
    const source = download(file.url, fetch, signal);
    await storeModelFile(source, file, { cacheDir, model: spec.id, from, signal, onBytes: moved });
  } catch (error) {
    options.signal.throwIfAborted();
    if (stall.signal.aborted)
      throw notPulled(spec, file, `${from} sent nothing for ${stallMs / 1_000} s`, error);
    if (error instanceof DownloadError) throw notPulled(spec, file, `${from} ${error.message}`, error.cause);
    throw error;
  }
}

/** The far side is at fault. The message finishes a sentence that begins with its host. */
class DownloadError extends Error {
  override readonly name = "DownloadError";
}

async function* download(url: string, fetch: Fetch, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw new DownloadError("does not answer", { cause });
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DownloadError(`answers ${response.status}`);
  }
  try {
    yield* response.body;
  } catch (cause) {
    throw new DownloadError("broke off", { cause });
  }
}

function notPulled({ id }: ModelSpec, { name, url, sha256 }: ModelFile, why: string, cause: unknown) {
  const byHand = `fetch ${name} from ${url} elsewhere and run "earshot models import ${name}"`;
  return modelUnavailable(id, `could not be pulled: ${why}. Try again later, or ${byHand}`, {
    detail: { file: name, url, sha256 },
    cause,
  });
}

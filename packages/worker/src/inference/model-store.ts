import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ModelFile } from "./manifest.ts";
import { modelUnavailable } from "./model-unavailable.ts";

export interface StoreOptions {
  /** Made if it isn't there, open to every reader: whoever runs models need not be who pulled them. */
  cacheDir: string;
  model: string;
  /** Where the bytes come from, for errors. Not a path. */
  from: string;
  signal: AbortSignal;
  /** Told how many bytes have been kept. */
  onBytes?: (bytes: number) => void;
}

/**
 * Keeps the bytes of `source` as a file of the cache if they are the published ones, hashed as they come. It is there whole
 * or not at all, even after a power cut. What stood there under its name stays until then.
 * @throws AppError `model_unavailable` for bytes that are others, fewer or more; the signal's reason; what `source` throws.
 */
export async function storeModelFile(
  source: AsyncIterable<Uint8Array>,
  file: ModelFile,
  options: StoreOptions,
): Promise<void> {
  const { cacheDir } = options;
  await mkdir(cacheDir, { recursive: true, mode: 0o755 });
  const unfinished = join(cacheDir, `.${file.name}.${randomUUID()}`);
  try {
    await writeChecked(source, file, unfinished, options);
    options.signal.throwIfAborted();
    await rename(unfinished, join(cacheDir, file.name));
    await syncDirectory(cacheDir);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function writeChecked(
  source: AsyncIterable<Uint8Array>,
  file: ModelFile,
  path: string,
  { signal, onBytes = () => {}, ...origin }: StoreOptions,
): Promise<void> {
  await using output = await open(path, "wx", 0o644);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of source) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > file.bytes) throw notPublished(file, origin, `it has more than ${file.bytes} bytes`);
    hash.update(chunk);
    await output.writeFile(chunk);
    onBytes(bytes);
  }
  if (bytes < file.bytes) throw notPublished(file, origin, `it ends after ${bytes} of ${file.bytes} bytes`);
  const sha256 = hash.digest("hex");
  if (sha256 !== file.sha256) throw notPublished(file, origin, `its sha256 is ${sha256}`);
  await output.sync();
}

function notPublished(file: ModelFile, { model, from }: Pick<StoreOptions, "model" | "from">, why: string) {
  const { name, sha256, bytes } = file;
  const what = `is refused: ${name} from ${from} is not the published file, ${why}. Nothing was kept`;
  return modelUnavailable(model, what, { detail: { file: name, sha256, bytes } });
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

import { hashFile } from "../../input/hash.ts";
import type { ModelSpec } from "../manifest.ts";
import { optimizedFiles, readRecord } from "./optimized-record.ts";
import { rewriteFile, rewriteOf } from "./rewrites.ts";
import type { Rewrite } from "./rewrites.ts";

const NEVER = new AbortController().signal;

/** By revision and published hash: what this code makes of the published file. A rewrite costs a tenth of a second. */
const made = new Map<string, Promise<string>>();

export interface OptimizedGraph {
  path: string;
  sha256: string;
}

/**
 * The faster graph to load in the place of the published one, whose hash the caller has checked. Only one that was found
 * equal, and that is to the byte what this code makes of the published file, whatever its record says.
 */
export async function findOptimized(
  spec: ModelSpec,
  publishedPath: string,
  { cacheDir }: { cacheDir?: string | undefined },
): Promise<OptimizedGraph | null> {
  const rewrite = rewriteOf(spec);
  if (rewrite === null || cacheDir === undefined) return null;
  const files = optimizedFiles(spec, cacheDir);
  const record = await readRecord(files.record);
  const published = spec.files[0].sha256;
  if (record?.revision !== rewrite.revision || record.published_sha256 !== published) return null;
  const sha256 = await hashFile(files.graph, { signal: NEVER }).catch(() => null);
  if (sha256 !== record.graph_sha256) return null;
  return sha256 === (await madeOf(rewrite, published, publishedPath)) ? { path: files.graph, sha256 } : null;
}

function madeOf(rewrite: Rewrite, published: string, path: string): Promise<string> {
  const key = `${rewrite.revision} ${published}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const making = rewriteFile(rewrite, path).then(({ sha256 }) => sha256);
  made.set(key, making);
  // A file that could not be read this time may be readable the next.
  making.catch(() => made.delete(key));
  return making;
}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ModelSpec } from "../manifest.ts";
import { rewriteMusicnn } from "./rewrite-musicnn.ts";

/** A way to write a published graph anew so that it is faster and gives the same. */
export interface Rewrite {
  model: string;
  /** Raised with every change of what it makes: a graph of an earlier one is not used any more. */
  revision: string;
  rewrite(published: Uint8Array): Uint8Array;
}

const REWRITES: readonly Rewrite[] = [
  { model: "msd-musicnn-1", revision: "musicnn-1", rewrite: rewriteMusicnn },
];

export function rewriteOf({ id }: Pick<ModelSpec, "id">): Rewrite | null {
  return REWRITES.find(({ model }) => model === id) ?? null;
}

/** What the rewrite makes of the file at `path`, whose sha256 the caller has checked. */
export async function rewriteFile(
  { rewrite }: Rewrite,
  path: string,
): Promise<{ bytes: Uint8Array; sha256: string }> {
  const bytes = rewrite(await readFile(path));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { ModelSpec } from "../manifest.ts";

/** What a rewritten graph may differ by and still count as the same model: its vectors stay in the published one's space. */
export const PARITY_LIMIT = 1e-3;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const record = z.strictObject({
  model: z.string(),
  revision: z.string(),
  published_sha256: sha256,
  graph_sha256: sha256,
  /** By output, the largest difference from the published graph over `patches` patches. */
  parity: z.record(z.string(), z.number().nonnegative().max(PARITY_LIMIT)),
  patches: z.int().positive(),
});

/** Written only after the graph was found equal. */
export type OptimizedRecord = z.output<typeof record>;

export interface OptimizedFiles {
  directory: string;
  graph: string;
  record: string;
}

/** Beside the weights that were pulled. The published file stays where and what it is. */
export function optimizedFiles({ id }: Pick<ModelSpec, "id">, cacheDir: string): OptimizedFiles {
  const directory = join(cacheDir, "optimized");
  return { directory, graph: join(directory, `${id}.onnx`), record: join(directory, `${id}.json`) };
}

/** null: there is none, or it is not one. */
export async function readRecord(path: string): Promise<OptimizedRecord | null> {
  try {
    return record.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}

import type { ModelSpec } from "../inference/manifest.ts";

/** Vectors are comparable when the same published weights made them. */
export function spaceOf({ id, files: [graph] }: ModelSpec): string {
  return `${id}@${graph.sha256.slice(0, 12)}`;
}

import { createRequire } from "node:module";
import * as z from "zod";

const manifest = z.object({ version: z.string() });

/** Of onnxruntime, without loading it. */
export function runtimeVersion(): string {
  return manifest.parse(createRequire(import.meta.url)("onnxruntime-node/package.json")).version;
}

import { readFile } from "node:fs/promises";
import { MODEL_MANIFEST } from "@earshot/shared/domain/models";
import * as z from "zod";
import { parseManifest } from "./manifest.ts";
import type { ModelSpec } from "./manifest.ts";

const list = z.object({ models: z.array(z.unknown()) });

/**
 * The models that come with Earshot, after those of the operator's own manifest, if there is one: of several versions of a
 * model his is the one that is run where nobody asks for another.
 * @throws Error that names the file and the field.
 */
export async function readModels(manifestFile: string | undefined): Promise<ModelSpec[]> {
  if (manifestFile === undefined) return parseManifest(MODEL_MANIFEST);
  try {
    const own = list.parse(JSON.parse(await readFile(manifestFile, "utf8")));
    return parseManifest({ models: [...own.models, ...list.parse(MODEL_MANIFEST).models] });
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new Error(`the manifest ${manifestFile} can't be used: ${why}`, { cause });
  }
}

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelSpec } from "../manifest.ts";
import { createRegistry } from "../registry.ts";
import type { Registry } from "../registry.ts";

/** The models of the manifest, of which some have these graphs, by their ids, in place of the published ones, whose probe they don't answer. */
export async function writeStandIns(
  directory: string,
  graphs: ReadonlyMap<string, Uint8Array>,
): Promise<Registry> {
  const models = await Promise.all(
    createRegistry().models.map(async (spec) => {
      const graph = graphs.get(spec.id);
      return graph === undefined ? spec : writeModel(directory, spec, graph);
    }),
  );
  return createRegistry({ modelsDir: directory, models });
}

async function writeModel(directory: string, spec: ModelSpec, graph: Uint8Array): Promise<ModelSpec> {
  const [file] = spec.files;
  await writeFile(join(directory, file.name), graph);
  const sha256 = createHash("sha256").update(graph).digest("hex");
  return { ...spec, probe: undefined, files: [{ ...file, sha256, bytes: graph.length }] };
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { createRegistry } from "../registry.ts";
import { optimizeModel } from "./optimize-model.ts";
import { rewriteOf } from "./rewrites.ts";

test("the published MusiCNN, rewritten, gives the same embeddings and tags", async () => {
  const modelsDir = process.env["EARSHOT_MODELS_DIR"];
  if (modelsDir === undefined) throw new Error("EARSHOT_MODELS_DIR does not say where the weights are");
  const { models, find } = createRegistry();
  const spec = find("msd-musicnn-1");
  const rewrite = rewriteOf(spec);
  if (rewrite === null) throw new Error("MusiCNN has no rewrite");
  const cacheDir = await mkdtemp(join(tmpdir(), "earshot-optimize-"));
  try {
    const { signal } = new AbortController();
    const { equal, parity } = await optimizeModel(spec, rewrite, {
      modelsDir,
      cacheDir,
      models,
      log: silentLog,
      signal,
    });
    expect(equal).toBe(true);
    // Embeddings reach 14. An input louder than any recording is among the patches.
    expect(parity["embeddings"]).toBeLessThan(1e-4);
    expect(parity["activations"]).toBeLessThan(1e-5);
  } finally {
    await rm(cacheDir, { recursive: true });
  }
});

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TASKS } from "@earshot/shared/domain/tasks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseManifest } from "./manifest.ts";
import type { ModelSpec } from "./manifest.ts";
import { readModels } from "./read-models.ts";
import { createRegistry } from "./registry.ts";

const WEIGHTS = "some weights";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-models-"));
});
afterEach(() => rm(folder, { recursive: true }));

function model(overrides: Record<string, unknown> = {}): ModelSpec[] {
  return parseManifest({
    models: [
      {
        id: "toy",
        version: "1",
        task: "speech.segments",
        files: [
          {
            name: "toy.onnx",
            sha256: createHash("sha256").update(WEIGHTS).digest("hex"),
            bytes: WEIGHTS.length,
            url: "https://models.example/toy.onnx",
          },
        ],
        licence: "MIT",
        licence_url: "https://models.example/licence",
        inputs: { x: { type: "float32", shape: [1, 2] } },
        outputs: { y: { type: "float32", shape: [1] } },
        ...overrides,
      },
    ],
  });
}

test("every model of the task catalog is in models.json", () => {
  const { find } = createRegistry();
  for (const { model: id } of Object.values(TASKS)) if (id !== null) expect(find(id).id).toBe(id);
});

test("the weights that come with a package are found and are the published ones", async () => {
  const { path, spec } = await createRegistry().resolve("silero_vad");
  expect(path).toMatch(/weights.silero_vad\.onnx$/);
  expect(spec.version).toBe("6.2");
});

test("the operator's folder goes before the cache, which goes before nothing", async () => {
  const [modelsDir, cacheDir] = [join(folder, "models"), join(folder, "cache")];
  for (const place of [modelsDir, cacheDir]) {
    await mkdir(place);
    await writeFile(join(place, "toy.onnx"), WEIGHTS);
  }
  const registry = createRegistry({ modelsDir, cacheDir, models: model() });
  expect((await registry.resolve("toy")).path).toBe(join(modelsDir, "toy.onnx"));
  await rm(join(modelsDir, "toy.onnx"));
  expect((await registry.resolve("toy")).path).toBe(join(cacheDir, "toy.onnx"));
});

test("a file with another hash is refused, even where the right one lies elsewhere", async () => {
  await writeFile(join(folder, "silero_vad.onnx"), "nonsense that would load");
  await expect(createRegistry({ modelsDir: folder }).resolve("silero_vad")).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringContaining("sha256"),
    detail: { model: "silero_vad", actual_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

test("a model that is not here is unavailable, and the error says where to put it and never where we looked", async () => {
  const missing = createRegistry({ modelsDir: folder, models: model() }).resolve("toy");
  await expect(missing).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringMatching(/"earshot models pull toy".*put toy\.onnx into EARSHOT_MODELS_DIR/),
    detail: { url: "https://models.example/toy.onnx" },
  });
  const error = await missing.catch((caught: unknown) => caught);
  expect(JSON.stringify(error) + String(error)).not.toContain(folder);
});

test("versions stand side by side: the first is the current one, and each is found by its name", () => {
  const [current] = model({ version: "2", files: [{ name: "two.onnx", sha256: "a".repeat(64), bytes: 1 }] });
  const [old] = model();
  if (current === undefined || old === undefined) throw new Error("no model");
  const { find } = createRegistry({ models: [current, old] });
  expect(find("toy").version).toBe("2");
  expect(find("toy@1").version).toBe("1");
  expect(() => find("toy@3")).toThrow(expect.objectContaining({ code: "model_unavailable" }));
});

test("a manifest with the same version twice, or two files of one name, is refused", () => {
  const [spec] = model();
  expect(() => parseManifest({ models: [spec, spec] })).toThrow("the same version");
  const other = { ...spec, version: "2", files: [{ name: "toy.onnx", sha256: "b".repeat(64), bytes: 1 }] };
  expect(() => parseManifest({ models: [spec, other] })).toThrow("different files");
});

test("a model that nobody knows is unavailable", async () => {
  await expect(createRegistry().resolve("nobody")).rejects.toMatchObject({ code: "model_unavailable" });
});

test.each([
  ["a hash in capitals", { files: [{ name: "a", sha256: "A".repeat(64), bytes: 1 }] }],
  ["a file outside its folder", { files: [{ name: "../a", sha256: "a".repeat(64), bytes: 1 }] }],
  ["no file", { files: [] }],
  ["a field that it does not know", { licens: "MIT" }],
  [
    "a scan over a tensor that is not there",
    { scan: { input: "x", output: "z", state_input: "x", state_output: "y" } },
  ],
  ["a label too many", { labels: { y: ["one", "two"] } }],
  ["the same label twice", { outputs: { y: { type: "float32", shape: [2] } }, labels: { y: ["a", "a"] } }],
  ["labels of an output that is not there", { labels: { z: ["one"] } }],
  ["a model that needs one that is not there", { needs: "nobody" }],
])("a manifest with %s is refused", (_what, overrides) => {
  expect(() => model(overrides)).toThrow();
});

test("models are exchanged while others run: the new first version is current, and the old ones are still found", () => {
  const [current] = model({ version: "2", files: [{ name: "two.onnx", sha256: "a".repeat(64), bytes: 1 }] });
  const [old] = model();
  if (current === undefined || old === undefined) throw new Error("no model");
  const registry = createRegistry({ models: [old], modelsDir: "before" });
  registry.reload({ models: [current], modelsDir: "after" });
  expect(registry.find("toy").version).toBe("2");
  expect(registry.models).toEqual([current]);
  expect(registry.folders.modelsDir).toBe("after");
  expect(registry.find("toy@1")).toBe(old);
  registry.reload({ models: [old] });
  expect(registry.find("toy").version).toBe("1");
  expect(registry.find("toy@2")).toBe(current);
});

test("a version whose files are other ones than before is refused, and nothing changes", () => {
  const [old] = model();
  const [other] = model({ files: [{ name: "toy.onnx", sha256: "b".repeat(64), bytes: 1 }] });
  if (old === undefined || other === undefined) throw new Error("no model");
  const registry = createRegistry({ models: [old] });
  expect(() => registry.reload({ models: [other] })).toThrow("toy@1 has other files than before");
  expect(registry.find("toy")).toBe(old);
  registry.reload({ models: [] });
  expect(() => registry.reload({ models: [other] })).toThrow("toy@1 has other files than before");
});

test("an operator's manifest goes before ours, and a wrong one is told with its name", async () => {
  const own = join(folder, "models.json");
  await writeFile(own, JSON.stringify({ models: model({ id: "silero_vad", version: "7" }) }));
  const models = await readModels(own);
  expect(createRegistry({ models }).find("silero_vad").version).toBe("7");
  expect(createRegistry({ models }).find("silero_vad@6.2").licence).toBe("MIT");
  await writeFile(own, "{}");
  await expect(readModels(own)).rejects.toThrow(`the manifest ${own} can't be used`);
  await expect(readModels(join(folder, "none.json"))).rejects.toThrow("none.json");
});

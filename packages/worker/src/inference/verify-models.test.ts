import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRegistry } from "./registry.ts";
import { toyManifest } from "./testing/toy-models.ts";
import { verifyModels } from "./verify-models.ts";

const models = toyManifest([
  { id: "single", files: { "single.onnx": "weights" } },
  { id: "double", files: { "double.onnx": "graph", "double.data": "tensors" } },
]);
const { signal } = new AbortController();

let folder: string;
let folders: { modelsDir: string; cacheDir: string };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-verify-"));
  folders = { modelsDir: join(folder, "operator"), cacheDir: join(folder, "cache") };
  for (const path of Object.values(folders)) await mkdir(path);
});
afterEach(() => rm(folder, { recursive: true }));

const verify = () => verifyModels(models, folders, signal);

test("each model is told with where it lies, the worst of its files counting", async () => {
  await writeFile(join(folders.cacheDir, "single.onnx"), "weights");
  await writeFile(join(folders.modelsDir, "double.onnx"), "graph");
  expect(await verify()).toMatchObject([
    { spec: { id: "single" }, state: "ok", files: [{ place: { kind: "cache" } }] },
    {
      spec: { id: "double" },
      state: "missing",
      files: [
        { state: "ok", place: { kind: "operator" } },
        { state: "missing", place: null, sha256: null },
      ],
    },
  ]);
});

test("one flipped bit is found", async () => {
  const path = join(folders.cacheDir, "single.onnx");
  await writeFile(path, "weights");
  const bytes = await readFile(path);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  await writeFile(path, bytes);
  expect(await verify()).toMatchObject([{ state: "wrong_hash", files: [{ place: { path } }] }, {}]);
});

test("a wrong file in the operator's folder counts, although the cache has the right one", async () => {
  await writeFile(join(folders.cacheDir, "single.onnx"), "weights");
  await writeFile(join(folders.modelsDir, "single.onnx"), "wEights");
  expect(await verify()).toMatchObject([
    { state: "wrong_hash", files: [{ place: { kind: "operator" } }] },
    {},
  ]);
});

test.each([
  ["operator", "modelsDir", /replace single\.onnx in EARSHOT_MODELS_DIR, or remove it there\.$/],
  ["cache", "cacheDir", /run "earshot models pull single" to replace it\.$/],
] as const)(
  "a wrong file in the place %s is refused at load, with what to do there",
  async (_, place, message) => {
    await writeFile(join(folders[place], "single.onnx"), "wEights");
    await expect(createRegistry({ ...folders, models }).resolve("single")).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(message),
    });
  },
);

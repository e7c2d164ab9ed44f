import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findModelFiles, importModelFile } from "./import-models.ts";
import { toyManifest } from "./testing/toy-models.ts";

const models = toyManifest([
  { id: "one", files: { "one.onnx": "weights of one" } },
  { id: "two", files: { "two.onnx": "weights of two!" } },
]);
const { signal } = new AbortController();

let folder: string;
let cacheDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-import-"));
  cacheDir = join(folder, "cache");
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test("a file is known by its bytes and gets the name of the manifest", async () => {
  const path = await put("download (1)", "weights of two!");
  const { found, strangers } = await findModelFiles(path, models, signal);
  expect(found).toMatchObject([{ path, spec: { id: "two" } }]);
  expect(strangers).toEqual([]);
  for (const file of found) await importModelFile(file, { cacheDir, signal });
  expect(await readdir(cacheDir)).toEqual(["two.onnx"]);
  expect(await readFile(join(cacheDir, "two.onnx"), "utf8")).toBe("weights of two!");
});

test("a directory is looked through to its depth; only what bears a model's name and is none is told", async () => {
  await mkdir(join(folder, "deep", "er"), { recursive: true });
  const one = await put("deep/er/one.bin", "weights of one");
  const two = await put("deep/two.onnx", "weights of twO!");
  await put("deep/readme", "read me");
  expect(await findModelFiles(folder, models, signal)).toMatchObject({
    found: [{ path: one, spec: { id: "one" } }],
    strangers: [two],
  });
});

test("a file that was named and is none is told, whatever it is called", async () => {
  const path = await put("song.mp3", "la la");
  expect(await findModelFiles(path, models, signal)).toEqual({ found: [], strangers: [path] });
});

test("a file that changes between the look and the copy is not kept", async () => {
  const path = await put("one.onnx", "weights of one");
  const { found } = await findModelFiles(path, models, signal);
  await writeFile(path, "weights of owl");
  const [file] = found;
  if (file === undefined) throw new Error("not found");
  await expect(importModelFile(file, { cacheDir, signal })).rejects.toMatchObject({
    code: "model_unavailable",
  });
  expect(await readdir(cacheDir)).toEqual([]);
});

import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelSpec } from "../manifest.ts";
import { createRegistry } from "../registry.ts";
import { optimizeModel } from "./optimize-model.ts";
import type { Optimized } from "./optimize-model.ts";
import { optimizedFiles } from "./optimized-record.ts";
import type { OptimizedFiles } from "./optimized-record.ts";
import { rewriteOf } from "./rewrites.ts";
import type { Rewrite } from "./rewrites.ts";
import { publishedLike } from "./testing/published-like.ts";

const { signal } = new AbortController();

let directory: string;
let cacheDir: string;
let spec: ModelSpec;
let rewrite: Rewrite;
let files: OptimizedFiles;
let optimized: Optimized;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-optimize-"));
  cacheDir = join(directory, "cache");
  const bytes = publishedLike();
  const published = createRegistry().find("msd-musicnn-1");
  await writeFile(join(directory, published.files[0].name), bytes);
  spec = {
    ...published,
    probe: undefined,
    files: [{ ...published.files[0], sha256: sha256Of(bytes), bytes: bytes.length }],
  };
  files = optimizedFiles(spec, cacheDir);
  const found = rewriteOf(spec);
  if (found === null) throw new Error("MusiCNN has no rewrite");
  rewrite = found;
  optimized = await optimize(rewrite);
});
afterAll(() => rm(directory, { recursive: true }));

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function optimize(how: Rewrite): Promise<Optimized> {
  return optimizeModel(spec, how, { modelsDir: directory, cacheDir, models: [spec], log: silentLog, signal });
}

function resolved() {
  return createRegistry({ modelsDir: directory, cacheDir, models: [spec] }).resolve(spec.id);
}

/** What is resolved while the record, and the graph if given, are others. */
async function resolvedWith(change: (record: Record<string, unknown>) => object, graph?: Uint8Array) {
  const [recordBefore, graphBefore] = [await readFile(files.record, "utf8"), await readFile(files.graph)];
  try {
    await writeFile(files.record, JSON.stringify(change(JSON.parse(recordBefore))));
    if (graph !== undefined) await writeFile(files.graph, graph);
    return await resolved();
  } finally {
    await writeFile(files.record, recordBefore);
    await writeFile(files.graph, graphBefore);
  }
}

const publishedPath = () => join(directory, spec.files[0].name);

test("the rewritten graph gives what the published one gives, whatever the signs of its weights", () => {
  expect(optimized).toMatchObject({ equal: true, patches: 17 });
  expect(optimized.parity["embeddings"]).toBeLessThan(1e-4);
  expect(optimized.parity["activations"]).toBeLessThan(1e-4);
});

test("three in four channels are constants, and are gone", async () => {
  expect((await readFile(files.graph)).length).toBeLessThan(0.45 * (await readFile(publishedPath())).length);
});

test("the registry loads it, and says so; the published file is as it was", async () => {
  expect(await resolved()).toEqual({ spec, path: files.graph, graphSha256: optimized.graphSha256 });
  expect(sha256Of(await readFile(publishedPath()))).toBe(spec.files[0].sha256);
});

test("without a home, or where it was not asked for, the published graph is loaded", async () => {
  expect(await createRegistry({ modelsDir: directory, models: [spec] }).resolve(spec.id)).toEqual({
    spec,
    path: publishedPath(),
  });
});

test.each([
  ["is of another revision", { revision: "musicnn-0" }],
  ["is of another published file", { published_sha256: "0".repeat(64) }],
  ["is of another graph", { graph_sha256: "0".repeat(64) }],
  ["admits a difference that is too large", { parity: { embeddings: 0.01 } }],
  ["is none", { revision: undefined }],
])("a record that %s is not believed", async (_what, change) => {
  expect((await resolvedWith((record) => ({ ...record, ...change }))).path).toBe(publishedPath());
});

test("a graph that was changed is not loaded, even with a record that says its hash", async () => {
  const changed = await readFile(files.graph);
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
  expect((await resolvedWith((record) => record, changed)).path).toBe(publishedPath());
  const forged = await resolvedWith((record) => ({ ...record, graph_sha256: sha256Of(changed) }), changed);
  expect(forged.path).toBe(publishedPath());
});

test("a damaged published file is refused, however good its rewritten graph is", async () => {
  const bytes = await readFile(publishedPath());
  await writeFile(publishedPath(), bytes.subarray(1));
  await expect(resolved()).rejects.toMatchObject({ code: "model_unavailable" });
  await writeFile(publishedPath(), bytes);
});

test("a graph that is not equal is not kept, and leaves nothing behind", async () => {
  const before = await readFile(files.record, "utf8");
  const { equal, parity } = await optimize({ ...rewrite, rewrite: () => publishedLike(5) });
  expect(equal).toBe(false);
  expect(parity["activations"]).toBeGreaterThan(1e-3);
  expect(await readFile(files.record, "utf8")).toBe(before);
  expect((await readdir(files.directory)).toSorted()).toEqual(["msd-musicnn-1.json", "msd-musicnn-1.onnx"]);
});

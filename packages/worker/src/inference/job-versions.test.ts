import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeStandInModels } from "../tasks/music/testing/stand-in-models.ts";
import { jobVersions, withVersions } from "./job-versions.ts";
import { createLanes } from "./lanes.ts";
import { createRegistry } from "./registry.ts";
import type { Registry } from "./registry.ts";

const HEAD = "mood_sad-msd-musicnn-1";
const { signal } = new AbortController();

let folder: string;
/** One head in two versions, of which the new one is the current one and says the opposite. */
let registry: Registry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-versions-"));
  const { models } = await writeStandInModels(folder);
  const old = models.find(({ id }) => id === HEAD);
  if (old === undefined) throw new Error("there is no such head");
  const weights = await readFile(join(folder, old.files[0].name));
  const [one, minusOne] = [1, -1].map((value) => Buffer.from(Float32Array.of(value).buffer));
  weights.set(minusOne ?? [], weights.indexOf(one ?? ""));
  await writeFile(join(folder, "new.onnx"), weights);
  const sha256 = createHash("sha256").update(weights).digest("hex");
  const current = {
    ...old,
    version: "2",
    files: [{ name: "new.onnx", sha256, bytes: weights.length }] as const,
  };
  registry = createRegistry({
    modelsDir: folder,
    models: [{ ...current, files: [...current.files] }, ...models],
  });
});
afterAll(() => rm(folder, { recursive: true }));

const versions = (earlier: Record<string, string> | null, models = registry.models) =>
  jobVersions(["music.mood"], earlier, createRegistry({ models, modelsDir: folder }));

test("a new job runs the current versions of all models of its tasks", async () => {
  const { versions: found, gone } = await versions(null);
  expect(found).toMatchObject({ [HEAD]: "2", "msd-musicnn-1": "1", "gender-msd-musicnn-1": "1" });
  expect(Object.keys(found)).toHaveLength(10);
  expect(gone).toEqual([]);
});

test("a job that began before an upgrade stays with the version it began with", async () => {
  expect((await versions({ [HEAD]: "1" })).versions).toMatchObject({ [HEAD]: "1", "msd-musicnn-1": "1" });
});

test("a version that is not here any more gives way to the current one, and that is told", async () => {
  const withoutOld = registry.models.filter(({ id, version }) => id !== HEAD || version === "2");
  const found = await versions({ [HEAD]: "1" }, withoutOld);
  expect(found).toMatchObject({ versions: { [HEAD]: "2" }, gone: [`${HEAD}@1`] });
});

test("two versions answer side by side, each as itself", async () => {
  const lanes = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog });
  try {
    const data = new Float32Array(200).fill(3);
    const ask = async (version: string) => {
      const pinned = withVersions(lanes, { [HEAD]: version });
      const found = await pinned.run(HEAD, { embeddings: { data, dims: [1, 200] } }, signal);
      return { ...pinned.identify(HEAD), first: found["activations"]?.data[0] };
    };
    const logistic = (value: number) => expect.closeTo(1 / (1 + Math.exp(-value)), 5);
    expect(await Promise.all([ask("1"), ask("2")])).toEqual([
      { model: HEAD, version: "1", device: "cpu", first: logistic(3 - 2) },
      { model: HEAD, version: "2", device: "cpu", first: logistic(-3 - 2) },
    ]);
    expect(lanes.loaded).toEqual([[`${HEAD}@1`, `${HEAD}@2`]]);
  } finally {
    await lanes.close();
  }
});

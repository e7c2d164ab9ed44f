import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { writeStandInModels } from "../tasks/music/testing/stand-in-models.ts";
import { checkFitness } from "./check-fitness.ts";
import { createLanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import type { ModelSpec } from "./manifest.ts";
import { createRegistry } from "./registry.ts";
import type { Registry } from "./registry.ts";

const HEAD = "mood_sad-msd-musicnn-1";
const never = new AbortController().signal;

let folder: string;
const opened: Lanes[] = [];
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "earshot-fitness-"))));
afterEach(async () => {
  await Promise.all(opened.splice(0).map((lanes) => lanes.close()));
  await rm(folder, { recursive: true });
});

async function open(registry: Registry, log: Log = silentLog): Promise<Lanes> {
  const lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry, log });
  opened.push(lanes);
  return lanes;
}

/** The stand-in of one head, which says what is right of its probe: class 0 is the logistic function of the difference to 2. */
function headWithProbe(spec: ModelSpec): ModelSpec {
  const pick = 0.5 + 0.5 * Math.sin(0.37 * 6);
  const first = 1 / (1 + Math.exp(2 - pick));
  const outputs = { activations: [first, 1 - first] };
  return { ...spec, probe: { offset: 0.5, amplitude: 0.5, step: 0.37, outputs, tolerance: 1e-3 } };
}

/** The registry of the stand-ins with one head alone, its weights as `change` leaves them and its hash that of those. */
async function registryOf(change: (weights: Buffer) => Buffer): Promise<Registry> {
  const { models } = await writeStandInModels(folder);
  const spec = models.find(({ id }) => id === HEAD);
  if (spec === undefined) throw new Error("there is no such head");
  const [file] = spec.files;
  const weights = change(await readFile(join(folder, file.name)));
  await writeFile(join(folder, file.name), weights);
  const sha256 = createHash("sha256").update(weights).digest("hex");
  return createRegistry({
    modelsDir: folder,
    models: [{ ...headWithProbe(spec), needs: undefined, files: [{ ...file, sha256 }] }],
  });
}

/** The one weight of the graph that is 1, as 0.5: it loads, it runs, and it is wrong. */
function damaged(weights: Buffer): Buffer {
  const one = Buffer.alloc(4);
  one.writeFloatLE(1);
  const at = weights.indexOf(one);
  weights.writeFloatLE(0.5, at);
  return weights;
}

const check = (lanes: Lanes, registry: Registry, log: Log = silentLog) =>
  checkFitness(lanes, { registry, log });

test("a machine whose models say what they should is fit", async () => {
  const registry = await registryOf((weights) => weights);
  const lanes = await open(registry);
  await check(lanes, registry);
  expect(lanes.defunct.aborted).toBe(false);
  expect(lanes.observe()).toMatchObject({ defunct: null, lanes: { alive: 2 } });
});

test("weights that load, have the published hash and answer wrongly make a worker defunct: it takes no call", async () => {
  const registry = await registryOf(damaged);
  const error = vi.fn();
  const lanes = await open(registry, { ...silentLog, error });
  await check(lanes, registry);
  const message = expect.stringMatching(`^Model ${HEAD} gives wrong answers on cpu: activations is 0\\.\\d+`);
  expect(lanes.defunct).toMatchObject({ aborted: true, reason: { message } });
  expect(lanes.observe().defunct).toEqual(message);
  expect(error).toHaveBeenCalledWith("defunct", expect.objectContaining({ error_code: "internal" }));
  const feeds = { embeddings: { data: new Float32Array(200), dims: [1, 200] } };
  await expect(lanes.run(HEAD, feeds, never)).rejects.toMatchObject({ message });
  await expect(lanes.load(HEAD, never)).rejects.toMatchObject({ message });
});

test("what answers wrongly later, when it is first used, is found too, and those who wait are told", async () => {
  const registry = await registryOf(damaged);
  const lanes = await open(registry);
  const feeds = { embeddings: { data: new Float32Array(200), dims: [1, 200] } };
  const calls = await Promise.allSettled([1, 2, 3].map(() => lanes.run(HEAD, feeds, never)));
  for (const call of calls)
    expect(call).toMatchObject({ reason: { message: expect.stringContaining("wrong") } });
  expect(lanes.defunct.aborted).toBe(true);
});

test("the bundled model knows its probe, and a device on which nothing loads makes a worker defunct", async () => {
  const registry = createRegistry();
  expect(registry.find("silero_vad").probe?.outputs).toHaveProperty("output");
  const lanes = await createLanes({ count: 1, threads: 1, device: "cuda", registry, log: silentLog });
  opened.push(lanes);
  await check(lanes, registry);
  expect(lanes.defunct).toMatchObject({
    aborted: true,
    reason: { code: "model_unavailable", message: expect.stringContaining("on cuda") },
  });
});

test("one model that can't be used is no reason to refuse the others", async () => {
  const { models } = createRegistry();
  const [musicnn] = models.filter(({ id }) => id === "msd-musicnn-1");
  if (musicnn === undefined) throw new Error("there is no such model");
  await writeFile(join(folder, musicnn.files[0].name), "other bytes");
  const registry = createRegistry({ modelsDir: folder });
  const warn = vi.fn();
  const lanes = await open(registry, { ...silentLog, warn });
  await check(lanes, registry, { ...silentLog, warn });
  expect(warn).toHaveBeenCalledWith("model_not_usable", expect.objectContaining({ model: "msd-musicnn-1" }));
  expect(lanes.defunct.aborted).toBe(false);
});

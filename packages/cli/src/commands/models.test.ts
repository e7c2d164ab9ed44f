import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry } from "@earshot/worker/inference/registry";
import { openFarSide, toyManifest } from "@earshot/worker/inference/testing/toy-models";
import type { FarSide } from "@earshot/worker/inference/testing/toy-models";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homeAt } from "../stack/home.ts";
import type { ModelsContext } from "./models-context.ts";
import { importModels } from "./models-import.ts";
import { listModels } from "./models-list.ts";
import { optimizeModels } from "./models-optimize.ts";
import { pullModels } from "./models-pull.ts";
import { verifyModelsHere } from "./models-verify.ts";
import { jsonLines, runCli, SAMPLE } from "./testing/run-cli.ts";

const WEIGHTS = {
  "base.onnx": "the base",
  "head.onnx": "the head",
  "free.onnx": "freely given",
};
type Name = keyof typeof WEIGHTS;
const file = (name: Name) => ({ [name]: WEIGHTS[name] });
const owned = {
  licence: "CC-BY-NC-SA-4.0",
  licence_url: "https://models.example/by-nc-sa",
  licence_note: "Somebody; non-commercial use only",
  requires_acceptance: true,
};
const models = toyManifest([
  { id: "base", files: file("base.onnx"), more: { ...owned, task: "music.tags" } },
  { id: "head", files: file("head.onnx"), more: { ...owned, task: "music.mood", needs: "base" } },
  { id: "free", files: file("free.onnx") },
]);
const ACCEPT = { acceptLicence: ["CC-BY-NC-SA-4.0"] };

let directory: string;
let farSide: FarSide;
let printed: string[];
let stop: AbortController;
let context: ModelsContext;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-cli-models-"));
  farSide = await openFarSide((name, response) => void response.end(WEIGHTS[name as Name]));
  printed = [];
  stop = new AbortController();
  const home = homeAt(join(directory, "home"));
  const print = (text: string) => void printed.push(text);
  context = {
    terminal: { env: {}, out: print, err: print, progress: { write: print }, signal: stop.signal },
    home,
    folders: { modelsDir: join(directory, "operator"), cacheDir: home.models },
    models,
    fetch: farSide.fetch,
  };
});
afterEach(async () => {
  await farSide[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const weightsHere = async () =>
  (await readdir(context.home.models).catch(() => [])).filter((name) => name.endsWith(".onnx"));

async function putIntoOperatorsFolder(name: Name, weights: string = WEIGHTS[name]): Promise<void> {
  await mkdir(join(directory, "operator"), { recursive: true });
  await writeFile(join(directory, "operator", name), weights);
}

test("a licence that nobody accepted stops a pull before the first request, and says whose work it is", async () => {
  await expect(pullModels(["head"], {}, context)).rejects.toMatchObject({
    status: 2,
    message: expect.stringMatching(
      /base, head: CC-BY-NC-SA-4\.0 \(Somebody; non-commercial use only\), https:\/\/models\.example\/by-nc-sa\. .*--accept-licence CC-BY-NC-SA-4\.0/,
    ),
    detail: { licences: [{ licence: "CC-BY-NC-SA-4.0", models: ["base", "head"] }] },
  });
  await expect(pullModels(["head"], { acceptLicence: ["MIT"] }, context)).rejects.toMatchObject({
    status: 2,
  });
  expect(farSide.asked).toEqual([]);
  expect(await weightsHere()).toEqual([]);
});

test("an accepted licence is remembered with its date, and a later pull doesn't ask", async () => {
  await pullModels(["base"], ACCEPT, context);
  expect(JSON.parse(await readFile(context.home.acceptedLicences, "utf8"))).toEqual({
    accepted: [
      {
        licence: "CC-BY-NC-SA-4.0",
        licence_url: "https://models.example/by-nc-sa",
        accepted_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        version: expect.any(String),
      },
    ],
  });
  await pullModels(["head"], {}, context);
  expect(await weightsHere()).toEqual(["base.onnx", "head.onnx"]);
});

test("a list of licences that can't be read is no acceptance", async () => {
  await mkdir(context.home.models, { recursive: true });
  await writeFile(context.home.acceptedLicences, "{");
  await expect(pullModels(["base"], ACCEPT, context)).rejects.toMatchObject({ status: 3 });
  expect(farSide.asked).toEqual([]);
});

test("a task's name pulls its models and what they need; a second pull fetches nothing", async () => {
  await pullModels(["music.mood"], { ...ACCEPT, json: true }, context);
  expect(farSide.asked).toEqual(["base.onnx", "head.onnx"]);
  await pullModels(["music.mood"], { json: true }, context);
  expect(farSide.asked).toHaveLength(2);
  expect(printed.filter((text) => text.startsWith("{")).map((text): unknown => JSON.parse(text))).toEqual([
    { pulled: ["base", "head"], already_here: [] },
    { pulled: [], already_here: ["base", "head"] },
  ]);
});

test("--all pulls what is not here, and weights in the operator's folder need no acceptance", async () => {
  await putIntoOperatorsFolder("base.onnx");
  await putIntoOperatorsFolder("head.onnx");
  await pullModels([], { all: true }, context);
  expect(farSide.asked).toEqual(["free.onnx"]);
  expect(printed).toContain("base is here already");
});

test("a damaged file in the operator's folder is told, since no pull can mend that", async () => {
  await putIntoOperatorsFolder("free.onnx", "fReely given");
  await expect(pullModels(["free"], {}, context)).rejects.toMatchObject({
    status: 3,
    message: expect.stringContaining("free.onnx in EARSHOT_MODELS_DIR is not the published file"),
  });
});

test("a pull shows its progress, and Ctrl-C in the middle ends it as interrupted and leaves no file", async () => {
  await using silent = await openFarSide((_, response) => {
    response.write("freely");
    stop.abort(new Error("stopped by SIGINT"));
  });
  const pulled = pullModels(["free"], {}, { ...context, fetch: silent.fetch });
  await expect(pulled).rejects.toMatchObject({ status: 130, code: "canceled" });
  expect(printed).toEqual(["free\n"]);
  expect(await readdir(context.home.models)).toEqual([]);
});

test("after a pull it is told what its tasks still lack", async () => {
  await pullModels(["base"], ACCEPT, context);
  expect(printed.at(-1)).toBe(
    "music.mood needs weights under CC-BY-NC-SA-4.0 (Somebody; non-commercial use only): npm run -s earshot -- models pull music.mood --accept-licence CC-BY-NC-SA-4.0",
  );
});

test("files of this machine are imported under their licence, and those that are no model are told", async () => {
  const [known, unknown] = [join(directory, "a.bin"), join(directory, "b.bin")];
  await writeFile(known, WEIGHTS["head.onnx"]);
  await writeFile(unknown, "la la");
  await expect(importModels([known], {}, context)).rejects.toMatchObject({ status: 2 });
  expect(await weightsHere()).toEqual([]);
  expect(await importModels([known, unknown], { ...ACCEPT, json: true }, context)).toBe(1);
  expect(printed.map((text): unknown => JSON.parse(text))).toEqual([
    { imported: [{ model: "head", path: known }], not_recognised: [unknown] },
  ]);
  expect(await weightsHere()).toEqual(["head.onnx"]);
  await expect(importModels([join(directory, "c.bin")], {}, context)).rejects.toMatchObject({
    code: "input_unreachable",
  });
  await expect(importModels([join(directory, "home", "logs")], {}, context)).rejects.toMatchObject({
    code: "input_mismatch",
  });
});

test("verify answers 1 for a flipped byte, and for a model that is missing only when it was named", async () => {
  await pullModels(["free"], {}, context);
  printed = [];
  expect(await verifyModelsHere([], { json: true }, context)).toBe(0);
  expect(await verifyModelsHere(["base"], { json: true }, context)).toBe(1);
  await writeFile(join(context.home.models, "free.onnx"), "freely giveN");
  expect(await verifyModelsHere([], { json: true }, context)).toBe(1);
  expect(printed.map((text): unknown => JSON.parse(text))).toMatchObject([
    { ok: true, models: [{ id: "base", state: "missing" }, {}, { id: "free", state: "ok" }] },
    { ok: false, models: [{ id: "base", state: "missing" }] },
    { ok: false, models: [{}, {}, { state: "wrong_hash", files: [{ place: "cache" }] }] },
  ]);
  await pullModels(["free"], {}, context);
  expect(await verifyModelsHere(["free"], {}, context)).toBe(0);
});

test("list tells a person each model in a line, and what to type for the rest", async () => {
  await putIntoOperatorsFolder("base.onnx");
  await listModels({}, context);
  expect(printed.map((line) => line.replaceAll(/ +/g, " "))).toEqual([
    expect.stringMatching(/^base 1 0\.0 MB in EARSHOT_MODELS_DIR CC-BY-NC-SA-4\.0 music\.tags/),
    expect.stringMatching(/^head 1 0\.0 MB not here CC-BY-NC-SA-4\.0 music\.mood$/),
    expect.stringMatching(/^free 1 0\.0 MB not here MIT speech\.segments$/),
    expect.stringContaining("models pull"),
  ]);
});

test("the command line lists the real manifest, and refuses its licence, as JSON alone on stdout", async () => {
  const env = { EARSHOT_HOME: join(directory, "home") };
  const listed = await runCli(["models", "list", "--json"], { env });
  expect(listed).toMatchObject({ status: 0, stderr: "" });
  expect(jsonLines(listed)).toEqual([
    expect.arrayContaining([
      expect.objectContaining({
        id: "silero_vad",
        installed: true,
        place: "npm",
        tasks: ["speech.segments"],
      }),
      expect.objectContaining({
        id: "msd-musicnn-1",
        installed: false,
        licence: "CC-BY-NC-SA-4.0",
        requires_acceptance: true,
        tasks: ["music.tags", "music.mood", "music.embedding"],
      }),
    ]),
  ]);
  const refused = await runCli(["models", "pull", "music.mood", "--json"], { env });
  expect(refused.status).toBe(2);
  expect(jsonLines(refused)).toMatchObject([
    { error: { message: expect.stringContaining("--accept-licence CC-BY-NC-SA-4.0") } },
  ]);
  const verified = await runCli(["models", "verify", "silero_vad", "--json"], { env });
  expect(verified).toMatchObject({ status: 0, stderr: "" });
  expect(jsonLines(verified)).toMatchObject([{ ok: true, models: [{ id: "silero_vad", state: "ok" }] }]);
  const unknown = await runCli(["models", "pull", "nobody", "--json"], { env });
  expect(unknown.status).toBe(2);
});

test("what analyze runs by itself is what is here, the home's models included; what is asked for fails alone", async () => {
  const home = homeAt(join(directory, "home"));
  const env = { EARSHOT_HOME: home.directory };
  const [line] = jsonLines(await runCli(["analyze", SAMPLE, "--json"], { env }));
  expect(line).toMatchObject({ results: [{ task: "audio.features" }, { task: "speech.segments" }] });
  // Weights that were damaged since: the task is run all the same and says so, it isn't left out.
  const { name } = createRegistry().find("msd-musicnn-1").files[0];
  await mkdir(home.models, { recursive: true });
  await writeFile(join(home.models, name), "damaged");
  const partial = await runCli(["analyze", SAMPLE, "--json"], { env });
  expect(partial.status).toBe(3);
  const error = {
    code: "model_unavailable",
    message: expect.stringContaining("earshot models pull msd-musicnn-1 --accept-licence CC-BY-NC-SA-4.0"),
  };
  expect(jsonLines(partial)).toMatchObject([
    {
      results: [
        { status: "succeeded" },
        { status: "succeeded" },
        { task: "music.tags", status: "failed", error },
        { task: "music.embedding", status: "failed", error },
      ],
    },
  ]);
});

test("only a model that has a faster form is optimized, and only one that is here", async () => {
  await expect(optimizeModels(["head"], {}, context)).rejects.toMatchObject({ status: 2 });
  expect(await optimizeModels([], {}, context)).toBe(0);
  expect(printed).toEqual(["None of the models that are here has a faster form."]);
  const published = { ...context, models: createRegistry().models };
  await expect(optimizeModels(["msd-musicnn-1"], {}, published)).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringContaining("models pull"),
  });
});

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@earshot/shared/domain/errors";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pullModel } from "./pull-model.ts";
import type { PullOptions } from "./pull-model.ts";
import { createRegistry } from "./registry.ts";
import { openFarSide, toyManifest } from "./testing/toy-models.ts";

const FILES = { "toy.onnx": "some weights", "toy.data": "and some more" };
const models = toyManifest([{ id: "toy", files: FILES }]);

let folder: string;
let cacheDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-pull-"));
  cacheDir = join(folder, "home", "models");
});
afterEach(() => rm(folder, { recursive: true }));

const sendWhole = (name: string, response: ServerResponse) =>
  void response.end(FILES[name as keyof typeof FILES]);

async function pull(answer: typeof sendWhole, more: Partial<PullOptions> = {}): Promise<string[]> {
  await using farSide = await openFarSide(answer);
  const signal = new AbortController().signal;
  for (const spec of models) await pullModel(spec, { cacheDir, fetch: farSide.fetch, signal, ...more });
  return farSide.asked;
}

async function refusalOf(answer: typeof sendWhole, more: Partial<PullOptions> = {}): Promise<AppError> {
  const error = await pull(answer, more).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: "model_unavailable", detail: { model: "toy", file: "toy.onnx" } });
  expect(await readdir(cacheDir).catch(() => [])).toEqual([]);
  return error as AppError;
}

test("a pulled model is in the cache, readable by everybody, and the registry finds it", async () => {
  const fractions: number[] = [];
  await pull(sendWhole, { onProgress: (fraction) => fractions.push(fraction) });
  expect((await readdir(cacheDir)).toSorted()).toEqual(["toy.data", "toy.onnx"]);
  expect(await readFile(join(cacheDir, "toy.onnx"), "utf8")).toBe("some weights");
  const modes = await Promise.all(
    [cacheDir, join(cacheDir, "toy.onnx")].map(async (path) => (await stat(path)).mode & 0o555),
  );
  expect(modes).toEqual([0o555, 0o444]);
  expect(fractions).toEqual(fractions.toSorted((one, other) => one - other));
  expect(fractions.at(-1)).toBe(1);
  expect((await createRegistry({ cacheDir, models }).resolve("toy")).path).toBe(join(cacheDir, "toy.onnx"));
});

test("what is in the cache already is not fetched again, and what is damaged there is replaced", async () => {
  await pull(sendWhole);
  expect(await pull(sendWhole)).toEqual([]);
  await writeFile(join(cacheDir, "toy.data"), "and some mere");
  expect(await pull(sendWhole)).toEqual(["toy.data"]);
  expect(await readFile(join(cacheDir, "toy.data"), "utf8")).toBe(FILES["toy.data"]);
});

test.each([
  ["other bytes", "sOme weights", /is not the published file, its sha256 is [0-9a-f]{64}/],
  ["fewer bytes", "some", /it ends after 4 of 12 bytes/],
  ["more bytes", "some weights and what not", /it has more than 12 bytes/],
])("%s than the published ones are refused, and nothing is kept", async (_what, sent, message) => {
  const { message: told } = await refusalOf((_name, response) => void response.end(sent));
  expect(told).toMatch(message);
});

test("a far side that never stops is cut off after the file's size", async () => {
  let wasCut = Promise.resolve();
  const { message } = await refusalOf((_name, response) => {
    const timer = setInterval(() => response.write("x".repeat(1_024)), 1);
    wasCut = new Promise((resolve) => {
      response.on("close", () => {
        clearInterval(timer);
        resolve();
      });
    });
  });
  expect(message).toContain("it has more than 12 bytes");
  await wasCut;
});

test.each<[string, typeof sendWhole, string]>([
  ["404", (_, response) => void response.writeHead(404).end("not here"), "models.example answers 404"],
  [
    "a connection that breaks off",
    (_, response) => {
      response.writeHead(200, { "content-length": 12 });
      response.write("some", () => response.destroy());
    },
    "models.example broke off",
  ],
  [
    "a connection that is refused",
    (_, response) => void response.destroy(),
    "models.example does not answer",
  ],
])("%s is told, with another way to get the file, and nothing is kept", async (_what, answer, message) => {
  const { message: told } = await refusalOf(answer);
  expect(told).toContain(message);
  expect(told).toContain(
    'https://models.example/toy.onnx elsewhere and run "earshot models import toy.onnx"',
  );
});

test("a far side that falls silent is left after a while", async () => {
  const silent: typeof sendWhole = (_, response) => void response.write("some");
  const { message } = await refusalOf(silent, { stallMs: 50 });
  expect(message).toContain("models.example sent nothing for 0.05 s");
});

test("a far side that is slow but never silent is waited for", async () => {
  await pull(
    (name, response) => {
      const bytes = [...FILES[name as keyof typeof FILES]];
      const timer = setInterval(() => {
        const byte = bytes.shift();
        if (byte !== undefined) return void response.write(byte);
        clearInterval(timer);
        response.end();
      }, 60);
    },
    { stallMs: 500 },
  );
  expect((await readdir(cacheDir)).toSorted()).toEqual(["toy.data", "toy.onnx"]);
});

test("a pull that is stopped ends with the reason and leaves nothing", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const stopped = pull((_, response) => void response.write("some"), {
    signal: stop.signal,
    onProgress: () => stop.abort(reason),
  });
  await expect(stopped).rejects.toBe(reason);
  expect(await readdir(cacheDir)).toEqual([]);
});

test("a failed pull leaves what stood there before", async () => {
  await pull(sendWhole);
  await writeFile(join(cacheDir, "toy.onnx"), "older version");
  await pull((_, response) => void response.writeHead(503).end()).catch(() => {});
  expect(await readFile(join(cacheDir, "toy.onnx"), "utf8")).toBe("older version");
});

test("a file without a URL can't be pulled", async () => {
  const [spec] = toyManifest([
    { id: "toy", files: {}, more: { files: [{ name: "toy.onnx", sha256: "0".repeat(64), bytes: 1 }] } },
  ]);
  if (spec === undefined) throw new Error("no toy");
  const options = { cacheDir, fetch, signal: new AbortController().signal };
  await expect(pullModel(spec, options)).rejects.toMatchObject({
    code: "model_unavailable",
    message: "Model toy has no URL to pull toy.onnx from.",
  });
});

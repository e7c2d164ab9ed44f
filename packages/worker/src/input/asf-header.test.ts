import { readFile, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDeclaredAsfSeconds } from "./asf-header.ts";
import { createCorpus, sine } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

let corpus: Corpus;
beforeAll(async () => {
  corpus = await createCorpus();
});
afterAll(() => corpus[Symbol.asyncDispose]());

const make = (name: string) => corpus.make(name, ...sine({ seconds: 3, rateHz: 44_100 }));

/** Where the object's flags stand: 104 bytes long, it ends with them and three sizes. */
const flagsOf = (bytes: Buffer) => bytes.indexOf(Buffer.from("a1dcab8c47a9cf11", "hex")) + 88;

test("the length is that of the audio, without the preroll, however much of the file is left", async () => {
  const file = await make("whole.wma");
  expect(await readDeclaredAsfSeconds(file)).toBeCloseTo(3, 1);
  await truncate(file, 8_000);
  expect(await readDeclaredAsfSeconds(file)).toBeCloseTo(3, 1);
});

test("a live stream, a header that is cut and another format announce nothing", async () => {
  const file = await make("live.wma");
  const bytes = await readFile(file);
  await writeFile(file, bytes.subarray(0, flagsOf(bytes)));
  expect(await readDeclaredAsfSeconds(file)).toBeNull();
  bytes.writeUInt32LE(1, flagsOf(bytes));
  await writeFile(file, bytes);
  expect(await readDeclaredAsfSeconds(file)).toBeNull();
  expect(await readDeclaredAsfSeconds(await make("other.wav"))).toBeNull();
  expect(await readDeclaredAsfSeconds(await corpus.write("empty.wma", ""))).toBeNull();
});

test("a length of less than the preroll is none", async () => {
  const file = await make("short.wma");
  const bytes = await readFile(file);
  bytes.writeBigUInt64LE(1n, flagsOf(bytes) - 24);
  await writeFile(file, bytes);
  expect(await readDeclaredAsfSeconds(file)).toBeNull();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { hashFile } from "./hash.ts";
import { createCorpus } from "./testing/corpus.ts";
import type { Corpus } from "./testing/corpus.ts";

let corpus: Corpus;
beforeAll(async () => {
  corpus = await createCorpus();
});
afterAll(() => corpus[Symbol.asyncDispose]());

test("the hash is that of FIPS 180's example, in lower-case hex", async () => {
  const file = await corpus.write("abc", "abc");
  expect(await hashFile(file, { signal: new AbortController().signal })).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test("an abort ends the reading with its reason", async () => {
  const file = await corpus.write("more", "abc");
  await expect(hashFile(file, { signal: AbortSignal.abort(new Error("too late")) })).rejects.toThrow(
    "too late",
  );
});

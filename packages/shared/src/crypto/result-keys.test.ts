import { describe, expect, test } from "vitest";
import { utf8 } from "./bytes.ts";
import {
  newEnvelope,
  newResultKey,
  openEnvelope,
  parseResultKeys,
  parseResultSealKey,
  resealEnvelope,
  resultSealKeyOf,
} from "./result-keys.ts";
import type { ResultKeys, ResultSealKey } from "./result-keys.ts";
import { openingStream, sealingStream, through } from "./sealed-stream.ts";

async function pair(id = "r1"): Promise<{ keys: ResultKeys; sealKey: ResultSealKey; text: string }> {
  const text = await newResultKey(id);
  const keys = parseResultKeys(text);
  return { keys, sealKey: parseResultSealKey(await resultSealKeyOf(keys[0])), text };
}

const CONTEXT = "job_1 speech.segments";
const SAID = utf8("what somebody said");

test("what is sealed with the public part is opened by the private one", async () => {
  const { keys, sealKey } = await pair();
  const { key, sealedKey } = await newEnvelope(sealKey, CONTEXT);
  const sealed = await through(sealingStream(key), SAID);
  expect(await through(openingStream(await openEnvelope(keys, sealedKey, CONTEXT)), sealed)).toEqual(SAID);
});

test("what a worker holds has no private part, and opens nothing", async () => {
  const { keys, sealKey } = await pair();
  expect(Object.keys(sealKey)).toEqual(["id", "publicKey"]);
  expect(sealKey.publicKey).toHaveLength(32);
  const { sealedKey } = await newEnvelope(sealKey, CONTEXT);
  const guess = parseResultKeys(await newResultKey(keys[0].id));
  await expect(openEnvelope(guess, sealedKey, CONTEXT)).rejects.toThrow();
});

describe("a sealed key does not open", () => {
  test("in another place than its own", async () => {
    const { keys, sealKey } = await pair();
    const { sealedKey } = await newEnvelope(sealKey, CONTEXT);
    await expect(openEnvelope(keys, sealedKey, "job_2 speech.segments")).rejects.toThrow();
  });

  test("when it was changed", async () => {
    const { keys, sealKey } = await pair();
    const { sealedKey } = await newEnvelope(sealKey, CONTEXT);
    const changed = sealedKey.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
    await expect(openEnvelope(keys, changed, CONTEXT)).rejects.toThrow();
    await expect(openEnvelope(keys, "v1.r1.x", CONTEXT)).rejects.toThrow("not a sealed key");
  });

  test("without its key, which is not told", async () => {
    const [{ sealKey }, other] = [await pair("r1"), await pair("r2")];
    const { sealedKey } = await newEnvelope(sealKey, CONTEXT);
    await expect(openEnvelope(other.keys, sealedKey, CONTEXT)).rejects.toThrow(
      "sealed for a key that is not configured",
    );
  });
});

test("a new key takes over without the content being touched, and the old one may go", async () => {
  const [old, next] = [await pair("r1"), await pair("r2")];
  const { key, sealedKey } = await newEnvelope(old.sealKey, CONTEXT);
  const sealed = await through(sealingStream(key), SAID);
  const both = parseResultKeys(`${next.text},${old.text}`);
  const resealed = await resealEnvelope(both, sealedKey, CONTEXT);
  expect(resealed).toMatch(/^v1\.r2\./);
  expect(await through(openingStream(await openEnvelope(next.keys, resealed, CONTEXT)), sealed)).toEqual(
    SAID,
  );
});

test.for(["", "r1", "r1:AAAA", "R1:x", "r1:a:b"])("%j is no result key", (text) => {
  expect(() => parseResultKeys(text)).toThrow(TypeError);
  expect(() => parseResultSealKey(text)).toThrow(TypeError);
});

test("two keys of one id are refused", async () => {
  const { text } = await pair();
  expect(() => parseResultKeys(`${text},${text}`)).toThrow("two result keys have one id");
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Tokenizer } from "./tokenizer.ts";

/** Made by `golden/whisper_tokenizer.py`: what Hugging Face's own library learnt, and says to each text. */
const golden: { tokenizer: { model: { merges: [string, string][] } }; encoded: [string, number[]][] } =
  JSON.parse(readFileSync(new URL("../golden/whisper_tokenizer.json", import.meta.url), "utf8"));
const tokenizer = new Tokenizer(golden.tokenizer);

test.each(golden.encoded)("%j has the tokens of the reference, and they are it again", (text, tokens) => {
  expect(tokenizer.encode(text)).toEqual(tokens);
  expect(tokenizer.decode(tokens)).toBe(text);
});

test("merges may be written as one string each", () => {
  const { model } = golden.tokenizer;
  const older = new Tokenizer({
    ...golden.tokenizer,
    model: { ...model, merges: model.merges.map((pair) => pair.join(" ")) },
  });
  for (const [text, tokens] of golden.encoded) expect(older.encode(text)).toEqual(tokens);
});

test("what stands for itself has a number and no text", () => {
  const end = tokenizer.special("<|endoftext|>");
  expect(end).toBe(0);
  expect(tokenizer.decode([0])).toBe("");
  expect(tokenizer.special("<|xx|>")).toBeNull();
});

test("a file that is none is refused with the place of what is wrong", () => {
  expect(() => new Tokenizer({ model: { vocab: {} }, added_tokens: [] })).toThrow(/merges/);
});

import { expect, test } from "vitest";
import type { GenerateRequest, GenerateResult } from "../../inference/inference.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import { decodeWindow } from "./decode-window.ts";
import { segmentsOf } from "./segments.ts";
import { scriptedGenerationConfig, scriptedTokenizer, tokenOf } from "./testing/scripted-vocabulary.ts";
import { wordsOf } from "./words.ts";

const checkpoint = parseCheckpoint(scriptedTokenizer(), scriptedGenerationConfig());
const END = tokenOf("<|endoftext|>");
const context = { data: new Float32Array(), dims: [1, 0, 80] };
const SURE = { words: [" one", " two"], logprob: -0.1, noSpeech: 0 };
const UNSURE = { ...SURE, logprob: -1.5 };

/** Decodes where the model says these things in turn, the last again and again. */
async function decoded(
  said: readonly { words: readonly string[]; logprob: number; noSpeech: number }[],
  temperature: number | null = null,
) {
  const asked: GenerateRequest[] = [];
  const generate = async (request: GenerateRequest): Promise<GenerateResult> => {
    asked.push(request);
    const { words, logprob, noSpeech } = said[Math.min(asked.length, said.length) - 1] ?? SURE;
    const tokens = [...words.map(tokenOf), END];
    return {
      tokens,
      logprobs: tokens.map(() => logprob),
      probed: Float32Array.of(noSpeech),
      attention: null,
    };
  };
  const request = { context, language: "en", task: "transcribe", temperature, seed: 1 } as const;
  const { tokens } = await decodeWindow(generate, checkpoint, request);
  return { text: checkpoint.tokenizer.decode(tokens), temperatures: asked.map((one) => one.temperature) };
}

test("a text that the model is sure of is taken at once", async () => {
  expect(await decoded([SURE])).toEqual({ text: " one two", temperatures: [0] });
});

test("one that it is not sure of is decoded again, less strictly, until it is", async () => {
  expect(await decoded([UNSURE, UNSURE, SURE])).toEqual({ text: " one two", temperatures: [0, 0.2, 0.4] });
});

test("so is one that repeats itself; at last a phrase is said once", async () => {
  const words = Array.from({ length: 20 }, () => " la");
  const found = await decoded([{ ...SURE, words }]);
  expect(found).toEqual({ text: " la", temperatures: [0, 0.2, 0.4, 0.6, 0.8, 1] });
});

test("what it thinks is no speech and is not sure of is none; what it is sure of is speech all the same", async () => {
  expect(await decoded([{ ...UNSURE, noSpeech: 0.7 }])).toEqual({ text: "", temperatures: [0] });
  expect((await decoded([{ ...SURE, noSpeech: 0.7 }])).text).toBe(" one two");
});

test("a temperature that was asked for is the only one", async () => {
  expect((await decoded([UNSURE], 0.3)).temperatures).toEqual([0.3]);
});

test("segments are what times enclose; a last one whose end was not said ends with the window", () => {
  const time = (seconds: number) => checkpoint.firstTime + seconds * 50;
  const tokens = [time(1), tokenOf(" one"), time(2), time(3), tokenOf(" two"), tokenOf(" six")];
  const found = segmentsOf(
    { tokens, logprobs: tokens.map((_, i) => -i) },
    { end: END, firstTime: checkpoint.firstTime },
    5.5,
  );
  expect(found).toEqual([
    { start: 1, end: 2, tokens: [tokenOf(" one")], logprobs: [-1] },
    { start: 3, end: 5.5, tokens: [tokenOf(" two"), tokenOf(" six")], logprobs: [-4, -5] },
  ]);
});

test("tokens that are parts of one character stay together, and characters without spaces are words of their own", () => {
  const { tokenizer } = checkpoint;
  const tokens = tokenizer.encode("今日。");
  expect(tokens).toHaveLength(9);
  const segment = { start: 0, end: 3, tokens, logprobs: tokens.map(() => -0.1) };
  const words = wordsOf(segment, { tokenizer, language: "ja", utterance: 0 });
  expect(words.map(({ text, start, end }) => [text, start, end])).toEqual([
    ["今", 0, 1],
    ["日。", 1, 3],
  ]);
  expect(wordsOf(segment, { tokenizer, language: "en", utterance: 0 }).map(({ text }) => text)).toEqual([
    "今日。",
  ]);
});

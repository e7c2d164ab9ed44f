import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whisperLogMel } from "../../signal/whisper-mel.ts";
import { say } from "../../tasks/whisper/testing/say.ts";
import type { Utterance } from "../../tasks/whisper/testing/say.ts";
import { writeScriptedWhisper } from "../../tasks/whisper/testing/scripted-whisper.ts";
import { FIRST_TIME, LOOP, SPOKEN, tokenOf } from "../../tasks/whisper/testing/scripted-vocabulary.ts";
import type { GenerateRequest, Tensor } from "../inference.ts";
import { createLanes } from "../lanes.ts";
import type { Lanes } from "../lanes.ts";

/** On a graph of the published contract whose cache holds all that it knows of what it said. */
const never = new AbortController().signal;
const PROMPT = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>"].map(tokenOf);
const END = tokenOf("<|endoftext|>");

let folder: string;
let lanes: Lanes;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-generate-"));
  const registry = await writeScriptedWhisper(folder);
  lanes = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog });
});
afterAll(async () => {
  await lanes.close();
  await rm(folder, { recursive: true });
});

async function hear(utterances: readonly Utterance[]): Promise<Tensor> {
  const features = { data: whisperLogMel(say(30, utterances), 80), dims: [1, 80, 3_000] };
  const { last_hidden_state } = await lanes.run("whisper-base-encoder", { input_features: features }, never);
  if (last_hidden_state === undefined) throw new Error("the encoder is silent");
  return last_hidden_state;
}

function generate(context: Tensor, request: Partial<GenerateRequest> = {}, signal = never) {
  const rules = {
    end: END,
    never: [],
    notFirst: [END],
    timestamps: { first: FIRST_TIME, maxInitial: 50 },
  };
  const whole = {
    context,
    prompt: PROMPT,
    rules,
    maxTokens: 224,
    temperature: 0,
    seed: 1,
    probe: null,
    attention: null,
  };
  return lanes.generate("whisper-base", { ...whole, ...request }, signal);
}

/** Times in seconds, words as they are. */
const read = (tokens: readonly number[]) =>
  tokens.map((token) => {
    if (token >= FIRST_TIME) return (token - FIRST_TIME) / 50;
    return token === END ? "end" : SPOKEN.find((word) => tokenOf(word) === token);
  });

test("a text is made token by token, each from what the cache holds of those before and of the context", async () => {
  const { tokens, logprobs } = await generate(
    await hear([
      { at: 0.4, words: [0, 1, 2] },
      { at: 10, words: [3] },
      { at: 28, words: [4, 5] },
    ]),
  );
  const found = read(tokens);
  expect(found.filter((token) => typeof token === "string")).toEqual([
    " one",
    " two",
    " three",
    " four",
    " five",
    " six",
    "end",
  ]);
  const times = found.filter((token) => typeof token === "number");
  expect(times).toHaveLength(6);
  for (const [i, time] of [0.4, 1.6, 10, 10.4, 28, 28.8].entries())
    expect(Math.abs((times[i] ?? NaN) - time)).toBeLessThan(0.05);
  expect(logprobs).toHaveLength(tokens.length);
  expect(Math.max(...logprobs)).toBeLessThanOrEqual(0);
});

test("the prompt alone tells how likely tokens are at a place in it", async () => {
  const probe = { position: 0, tokens: ["<|en|>", "<|de|>", "<|nospeech|>"].map(tokenOf) };
  const found = await generate(await hear([{ at: 1, words: [0] }]), { maxTokens: 0, probe });
  expect(found.tokens).toEqual([]);
  const [english = 0, german = 0, silence = 1] = found.probed;
  expect(english).toBeGreaterThan(german);
  expect(silence).toBeLessThan(0.01);
  const silent = await generate(await hear([]), { maxTokens: 0, probe });
  expect(silent.probed[2]).toBeGreaterThan(0.99);
});

test("the heads that were asked for tell where each token of the prompt was looked for", async () => {
  const context = await hear([{ at: 1, words: [0, 1] }]);
  const prompt = [...PROMPT, tokenOf("<|notimestamps|>"), tokenOf(" one"), tokenOf(" two")];
  const { attention } = await generate(context, {
    prompt,
    maxTokens: 0,
    attention: { heads: [[0, 1]], from: 3, frames: 150 },
  });
  expect(attention?.dims).toEqual([1, 3, 150]);
  const rows = [0, 1, 2].map((row) => [
    ...(attention?.data ?? new Float32Array()).subarray(row * 150, (row + 1) * 150),
  ]);
  const firstSeen = rows.map((row) => row.findIndex((value) => value > 0.5));
  expect(Math.abs((firstSeen[0] ?? NaN) - 50)).toBeLessThan(3);
  expect(Math.abs((firstSeen[1] ?? NaN) - 70)).toBeLessThan(3);
  expect(firstSeen[2]).toBeLessThan(0);
});

test("a phrase that is said over and over ends the text long before its limit", async () => {
  const { tokens } = await generate(await hear([{ at: 1, words: [0, LOOP] }]));
  expect(tokens.length).toBeLessThan(40);
  expect(tokens.at(-1)).toBe(tokenOf(SPOKEN[LOOP]));
});

test("no more tokens are made than are asked for", async () => {
  const { tokens } = await generate(await hear([{ at: 1, words: [0, 1, 2] }]), { maxTokens: 3 });
  expect(read(tokens).slice(1)).toEqual([" one", " two"]);
});

test("a text that nobody waits for any more costs its lane no more than its patience, and the next is made", async () => {
  const context = await hear([{ at: 1, words: [0, LOOP] }]);
  const stopped = new AbortController();
  const text = generate(context, {}, stopped.signal);
  stopped.abort(new Error("canceled"));
  await expect(text).rejects.toThrow("canceled");
  expect((await generate(context, { maxTokens: 2 })).tokens).toHaveLength(2);
});

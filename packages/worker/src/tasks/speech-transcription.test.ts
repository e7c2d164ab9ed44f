import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TASKS } from "@earshot/shared/domain/tasks";
import { parseTranscript } from "@earshot/shared/domain/transcript";
import type { Transcript } from "@earshot/shared/domain/transcript";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import type { Registry } from "../inference/registry.ts";
import { seededRandom } from "../signal/test-signals.ts";
import { speechTranscription } from "./speech-transcription.ts";
import { hear } from "./testing/hear.ts";
import { say } from "./whisper/testing/say.ts";
import { writeScriptedWhisper } from "./whisper/testing/scripted-whisper.ts";
import { LOOP, MURMUR, SPOKEN } from "./whisper/testing/scripted-vocabulary.ts";

/** In real lanes, on graphs of the published contracts that write down tones (see whisper/testing). */
let folder: string;
let registry: Registry;
let lanes: Lanes;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "earshot-transcription-"));
  registry = await writeScriptedWhisper(folder);
  lanes = await open(registry);
});
afterAll(async () => {
  await lanes.close();
  await rm(folder, { recursive: true });
});

function open(models: Registry): Promise<Lanes> {
  return createLanes({ count: 2, threads: 1, device: "cpu", registry: models, log: silentLog });
}

type Result = Transcript & { words_from: string; translated_to?: string; model: string };

async function transcribe(samples: Float32Array, options: object = {}, inference = lanes): Promise<Result> {
  const parsed = TASKS["speech.transcription"].options.parse(options);
  const heard = { inference, sampleRateHz: 16_000, blockSamples: 50_000 };
  const output = await hear((context) => speechTranscription.start(parsed, context), samples, heard);
  return { ...(output as unknown as Result), ...parseTranscript(output) };
}

const read = (...words: number[]) =>
  words
    .map((word) => SPOKEN[word])
    .join("")
    .trim();

describe("two utterances", () => {
  let result: Result;
  beforeAll(async () => {
    result = await transcribe(
      say(14, [
        { at: 1, words: [0, 1, 2] },
        { at: 9.6, words: [3, 4] },
      ]),
    );
  });

  test("are written down, each as one", () => {
    expect(result).toMatchObject({ model: "whisper-base", language: "en", text: read(0, 1, 2, 3, 4) });
    expect(result.utterances.map(({ text }) => text)).toEqual([read(0, 1, 2), read(3, 4)]);
  });

  test("have words at the times at which they are said, by what the model looks at", () => {
    expect(result.words_from).toBe("attention");
    const expected = [1, 1.4, 1.8, 9.6, 10];
    for (const [i, { text, start, end }] of result.words.entries()) {
      expect(text).toBe(read(i));
      expect(Math.abs(start - (expected[i] ?? NaN))).toBeLessThan(0.15);
      expect(Math.abs(end - (expected[i] ?? NaN) - 0.4)).toBeLessThan(0.25);
    }
  });

  test("have confidences", () => {
    for (const { confidence } of [...result.words, ...result.utterances]) {
      expect(confidence).toBeGreaterThan(0.99);
      expect(confidence).toBeLessThanOrEqual(1);
    }
    expect(result.language_probability).toBeGreaterThan(0.99);
  });
});

describe("long speech", () => {
  const random = seededRandom(11);
  const numbers = (count: number) => Array.from({ length: count }, () => Math.floor(6 * random()));

  test("that runs on for longer than a window is heard in windows that overlap: no word is lost or doubled at a seam", async () => {
    const words = numbers(180);
    const result = await transcribe(say(75, [{ at: 1, words }]));
    expect(result.text).toBe(read(...words));
    expect(result.words.map(({ start }) => start)).toEqual(
      result.words.map(({ start }) => start).toSorted((a, b) => a - b),
    );
    for (const [i, { start }] of result.words.entries())
      expect(Math.abs(start - 1 - 0.4 * i)).toBeLessThan(0.7);
  });

  test("with pauses is cut in them", async () => {
    const utterances = Array.from({ length: 12 }, (_, i) => ({
      at: 0.5 + 7.2 * i,
      words: numbers(14 + (i % 3)),
    }));
    const result = await transcribe(say(90, utterances));
    expect(result.utterances.map(({ text }) => text)).toEqual(utterances.map(({ words }) => read(...words)));
    for (const [i, { start }] of result.utterances.entries())
      expect(Math.abs(start - (utterances[i]?.at ?? NaN))).toBeLessThan(0.15);
  });
});

describe("where nobody speaks", () => {
  test("there is no text, and no model is asked for one", async () => {
    const silence = await transcribe(new Float32Array(16_000 * 5));
    expect(silence).toMatchObject({ text: "", words: [], utterances: [], language_probability: 0 });
  });

  test("a hum that is taken for speech gets no text of those that the model makes up", async () => {
    const hum = Float32Array.from(
      { length: 16_000 * 6 },
      (_, i) => 0.3 * Math.sin((2 * Math.PI * 100 * i) / 16_000),
    );
    expect((await transcribe(hum)).text).toBe("");
  });

  test("real Silero calls tones no speech: nothing is transcribed", async () => {
    const real = createRegistry({
      modelsDir: folder,
      models: [
        ...createRegistry().models.filter(({ id }) => id === "silero_vad"),
        ...registry.models.filter(({ id }) => id !== "silero_vad"),
      ],
    });
    await rm(join(folder, "silero_vad.onnx"));
    await using own = { lanes: await open(real), [Symbol.asyncDispose]: () => own.lanes.close() };
    expect((await transcribe(say(4, [{ at: 1, words: [0, 1] }]), {}, own.lanes)).text).toBe("");
    await writeScriptedWhisper(folder);
  });
});

describe("what goes wrong", () => {
  test("a phrase that is said for ever is said once", async () => {
    const result = await transcribe(say(10, [{ at: 1, words: [0, LOOP] }]));
    expect(result.text).toBe(read(0, LOOP));
  });

  test("what the model is not sure of has a low confidence", async () => {
    const { words } = await transcribe(say(6, [{ at: 1, words: [0, MURMUR, 1] }]));
    expect(words).toHaveLength(3);
    expect(words[1]?.confidence).toBeLessThan(0.2);
    expect(words[0]?.confidence).toBeGreaterThan(0.9);
  });

  test("a model that is not here is the task's error, before any audio is heard", async () => {
    await using own = { lanes: await open(createRegistry()), [Symbol.asyncDispose]: () => own.lanes.close() };
    await expect(transcribe(say(1, []), {}, own.lanes)).rejects.toMatchObject({ code: "model_unavailable" });
  });
});

describe("options", () => {
  const german = say(6, [{ at: 1, words: [0, 1] }], { german: true });

  test("the language is heard, or is the one that is told", async () => {
    expect(await transcribe(german)).toMatchObject({ language: "de", text: read(0, 1) });
    expect(await transcribe(german, { language: "fr" })).toMatchObject({
      language: "fr",
      language_probability: 1,
    });
  });

  test("translation is into English, and says so", async () => {
    expect(await transcribe(german, { task: "translate" })).toMatchObject({
      language: "de",
      translated_to: "en",
      text: "uno due",
    });
  });

  test("a prompt changes how words are written", async () => {
    const { text } = await transcribe(say(6, [{ at: 1, words: [0, 1] }]), { initial_prompt: "Some Hint" });
    expect(text).toBe("Won two");
  });

  test("a language that the model does not know is refused", async () => {
    await expect(transcribe(german, { language: "haw" })).rejects.toThrow("does not know the language haw");
  });
});

test("an export that does not tell what it looks at has words spread over their segments, and says so", async () => {
  const other = await mkdtemp(join(tmpdir(), "earshot-transcription-"));
  await using own = {
    lanes: await open(await writeScriptedWhisper(other, { attends: false })),
    [Symbol.asyncDispose]: () => own.lanes.close(),
  };
  const result = await transcribe(say(6, [{ at: 1, words: [0, 1, 2] }]), {}, own.lanes);
  expect(result.words_from).toBe("interpolation");
  expect(result.text).toBe(read(0, 1, 2));
  expect(Math.abs((result.words[0]?.start ?? NaN) - 1)).toBeLessThan(0.1);
  expect(Math.abs((result.words[2]?.end ?? NaN) - 2.2)).toBeLessThan(0.1);
  await rm(other, { recursive: true });
});

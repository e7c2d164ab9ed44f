import OpenAI, { toFile } from "openai";
import { toBase64 } from "@earshot/shared/crypto/bytes";
import { newEnvelope } from "@earshot/shared/crypto/result-keys";
import { sealingStream, through } from "@earshot/shared/crypto/sealed-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../app.ts";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { sealKeyOf } from "../../../test/sealed-result.ts";
import { claimAndFinish, succeeded } from "../../../test/worker-stand-in.ts";

/** By OpenAI's own client. The worker is a stand-in that ends each job as soon as it is rung for. */
const TASK = "speech.transcription";
const RESULT = {
  task: TASK,
  status: "succeeded",
  language: "de",
  language_probability: 0.99,
  text: "Guten Morgen. Ja.",
  words: [
    { text: "Guten", start: 0.5, end: 1, confidence: 0.9 },
    { text: "Morgen.", start: 1, end: 1.5, confidence: 0.9 },
    { text: "Ja.", start: 4, end: 4.4, confidence: 0.5 },
  ],
  utterances: [
    { text: "Guten Morgen.", start: 0.5, end: 1.5, confidence: 0.9 },
    { text: "Ja.", start: 4, end: 4.4, confidence: 0.5 },
  ],
};

let api: ApiUnderTest;
let ending: (jobId: string) => Promise<void> = transcribe;
const jobs: string[] = [];
beforeAll(async () => {
  const bell = {
    async ring({ jobId }: { jobId: string }) {
      jobs.push(jobId);
      await ending(jobId);
    },
  };
  api = await startApi({ bell });
});
afterAll(() => api[Symbol.asyncDispose]());

async function transcribe(jobId: string): Promise<void> {
  const sealKey = await sealKeyOf(api.deps.resultKeys);
  const { key, sealedKey } = await newEnvelope(sealKey, `${jobId} ${TASK}`);
  const sealed = await through(sealingStream(key), new TextEncoder().encode(JSON.stringify(RESULT)));
  const result = { ...succeeded(TASK, toBase64(sealed)), keyId: sealKey.id, sealedKey };
  await claimAndFinish(api.owner.db, jobId, { results: [result] });
}

async function fail(jobId: string): Promise<void> {
  const body = JSON.stringify({
    task: TASK,
    status: "failed",
    error: { code: "model_unavailable", message: "" },
  });
  const failed = { ...succeeded(TASK, body), status: "failed", errorCode: "model_unavailable" } as const;
  const error = { code: "tasks_failed", message: "Every task of the job failed." } as const;
  await claimAndFinish(api.owner.db, jobId, { status: "failed", results: [failed], error });
}

/** Asks with what follows, while the worker does `worker`. */
async function during<T>(worker: typeof ending, ask: () => Promise<T>): Promise<T> {
  ending = worker;
  try {
    return await ask();
  } finally {
    ending = transcribe;
  }
}

function client(options: { apiKey?: string; app?: ApiUnderTest["app"] } = {}): OpenAI {
  const { app = api.app, apiKey = api.caller.key } = options;
  return new OpenAI({
    apiKey,
    baseURL: "http://api.test/v1",
    maxRetries: 2,
    fetch: async (url, init) => app.request(url instanceof Request ? url : String(url), init),
  });
}

const wav = () =>
  toFile(Buffer.from("RIFF\x24\x00\x00\x00WAVEfmt data and so on"), "talk.wav", { type: "audio/wav" });
const request = async () => ({ file: await wav(), model: "whisper-1" });
const transcriptions = () => client().audio.transcriptions;

describe("OpenAI's client gets", () => {
  test("the text", async () => {
    expect((await transcriptions().create(await request())).text).toBe(RESULT.text);
  });

  test("plain text", async () => {
    expect(await transcriptions().create({ ...(await request()), response_format: "text" })).toBe(
      "Guten Morgen. Ja.\n",
    );
  });

  test("subtitles", async () => {
    expect(await transcriptions().create({ ...(await request()), response_format: "srt" })).toBe(
      "1\n00:00:00,500 --> 00:00:01,500\nGuten Morgen.\n\n2\n00:00:04,000 --> 00:00:04,400\nJa.\n\n",
    );
    expect(await transcriptions().create({ ...(await request()), response_format: "vtt" })).toContain(
      "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nGuten Morgen.\n",
    );
  });

  test("segments and words with their times, the language by its name, and how long the audio is", async () => {
    const verbose = {
      ...(await request()),
      response_format: "verbose_json" as const,
      timestamp_granularities: ["word" as const, "segment" as const],
    };
    const found = await transcriptions().create(verbose);
    expect(found).toMatchObject({ language: "german", duration: 2, text: RESULT.text });
    expect(found.segments?.map(({ id, start, end, text }) => [id, start, end, text])).toEqual([
      [0, 0.5, 1.5, "Guten Morgen."],
      [1, 4, 4.4, "Ja."],
    ]);
    expect(found.segments?.[1]?.avg_logprob).toBeCloseTo(Math.log(0.5));
    expect(found.words).toEqual(RESULT.words.map(({ text: word, start, end }) => ({ word, start, end })));
    const segments = await transcriptions().create({ ...(await request()), response_format: "verbose_json" });
    expect(segments).not.toHaveProperty("words");
  });

  test("what it asked for: language, prompt and temperature are options of the job", async () => {
    await transcriptions().create({
      ...(await request()),
      language: "de",
      prompt: "Zürich",
      temperature: 0.4,
    });
    const { sql } = api.owner;
    const [row] = await sql`select tasks::text, options::text from jobs where id = ${jobs.at(-1) ?? ""}`;
    expect(JSON.parse(row?.["options"] as string)).toEqual({
      [TASK]: { language: "de", task: "transcribe", initial_prompt: "Zürich", temperature: 0.4 },
    });
  });
});

describe("a translation is asked as OpenAI has it:", () => {
  test("a job that translates, whose words are English", async () => {
    const found = await client().audio.translations.create({
      ...(await request()),
      prompt: "Zürich",
      response_format: "verbose_json",
    });
    expect(found).toMatchObject({ task: "translate", language: "english", text: RESULT.text });
    const [row] = await api.owner.sql`select options::text from jobs where id = ${jobs.at(-1) ?? ""}`;
    expect(JSON.parse(row?.["options"] as string)).toEqual({
      [TASK]: { task: "translate", initial_prompt: "Zürich" },
    });
  });

  test("in a format, and with no language: it is always into English", async () => {
    const create = async (more: object) =>
      client().audio.translations.create({ ...(await request()), response_format: "text", ...more });
    expect(await create({})).toBe("Guten Morgen. Ja.\n");
    await expect(create({ language: "de" })).rejects.toMatchObject({
      code: "validation_failed",
      param: "language",
    });
  });
});

describe("OpenAI's client is told what is wrong, in its own words", () => {
  test("with the key", async () => {
    const asked = client({ apiKey: "ek_wrong" }).audio.transcriptions.create(await request());
    await expect(asked).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(asked).rejects.toMatchObject({ code: "unauthorized", type: "invalid_request_error" });
  });

  test.each([
    ["model", { model: "gpt-4o-transcribe" }],
    ["language", { language: "xx" }],
    ["temperature", { temperature: 3 }],
    ["stream", { stream: true }],
  ])("with %s", async (param, fields) => {
    const asked = transcriptions().create({ ...(await request()), ...fields });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(asked).rejects.toMatchObject({ code: "validation_failed", param });
  });

  test("with a file that is no audio", async () => {
    const file = await toFile(Buffer.from("%PDF-1.7 and so on"), "a.pdf");
    const asked = transcriptions().create({ file, model: "whisper-1" });
    await expect(asked).rejects.toMatchObject({ status: 422, param: "file" });
  });

  test("when the transcription fails: once, and where the job is", async () => {
    const before = jobs.length;
    const asked = during(fail, async () => transcriptions().create(await request()));
    await expect(asked).rejects.toMatchObject({
      status: 409,
      code: "conflict",
      type: "invalid_request_error",
    });
    await expect(asked).rejects.toThrow(
      /A model that the task needs is not installed\. GET \/v1\/jobs\/job_/,
    );
    expect(jobs.length - before).toBe(1);
  });

  test("when it takes longer than the answer may wait: once, and where it will be", async () => {
    const app = createApp({ ...api.deps, transcriptionWaitSeconds: 0.2 });
    const before = jobs.length;
    const asked = during(
      async () => {},
      async () => client({ app }).audio.transcriptions.create(await request()),
    );
    await expect(asked).rejects.toMatchObject({ status: 409, code: "conflict" });
    await expect(asked).rejects.toThrow(`GET /v1/jobs/${jobs.at(-1)}/transcript.json`);
    expect(jobs.length - before).toBe(1);
  });
});

test("a refusal is a problem as everywhere, with OpenAI's error beside it, and says not to ask again", async () => {
  const response = await api.send("POST", "/v1/audio/transcriptions", { json: {} });
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(await refusalOf(response.clone())).toMatchObject({ status: 415, code: "unsupported_content_type" });
  expect(await bodyOf<object>(response)).toMatchObject({
    error: { type: "invalid_request_error", code: "unsupported_content_type", param: null },
  });
});

test("a key that may not read results may not ask for one", async () => {
  const { key } = await api.addCaller({ scopes: ["jobs:write"] });
  await expect(client({ apiKey: key }).audio.transcriptions.create(await request())).rejects.toBeInstanceOf(
    OpenAI.PermissionDeniedError,
  );
});

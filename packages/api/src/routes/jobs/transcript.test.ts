import { toBase64 } from "@earshot/shared/crypto/bytes";
import { newEnvelope } from "@earshot/shared/crypto/result-keys";
import { sealingStream, through } from "@earshot/shared/crypto/sealed-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { sealKeyOf } from "../../../test/sealed-result.ts";
import { claim, claimAndFinish, finish, succeeded } from "../../../test/worker-stand-in.ts";

const TASK = "speech.transcription";
const RESULT = {
  task: TASK,
  status: "succeeded",
  model: "whisper-base",
  language: "en",
  language_probability: 0.99,
  text: "Meet me at Zanzibar. I will.",
  words: [
    ["Meet", 0, 0.5, 1],
    ["me", 0.5, 1, 1],
    ["at", 1, 1.5, 1],
    ["Zanzibar.", 1.5, 2.5, 1],
    ["I", 3, 3.2, 2],
    ["will.", 3.2, 4, 2],
  ].map(([text, start, end, speaker]) => ({
    text,
    start,
    end,
    confidence: 0.9,
    speaker: `speaker_${speaker}`,
  })),
  utterances: [
    { text: "Meet me at Zanzibar.", start: 0, end: 2.5, confidence: 0.9, speaker: "speaker_1" },
    { text: "I will.", start: 3, end: 4, confidence: 0.9, speaker: "speaker_2" },
  ],
};

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

async function submitted(tasks: string[] = [TASK]): Promise<string> {
  const json = { input: { url: "https://example.com/a.wav" }, tasks };
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json }))).id;
}

/** As a worker stores it: sealed. */
async function transcribed(
  result: object = RESULT,
  status: "succeeded" | "failed" = "succeeded",
): Promise<string> {
  const id = await submitted();
  const sealKey = await sealKeyOf(api.deps.resultKeys);
  const { key, sealedKey } = await newEnvelope(sealKey, `${id} ${TASK}`);
  const sealed = await through(sealingStream(key), new TextEncoder().encode(JSON.stringify(result)));
  const row = { ...succeeded(TASK, toBase64(sealed)), status, keyId: sealKey.id, sealedKey };
  await claimAndFinish(api.owner.db, id, { status, results: [row] });
  return id;
}

const get = (path: string, options = {}) => api.send("GET", `/v1/jobs/${path}`, options);

const FILES = {
  txt: ["text/plain; charset=utf-8", "speaker_1: Meet me at Zanzibar.\nspeaker_2: I will.\n"],
  srt: [
    "application/x-subrip; charset=utf-8",
    "1\n00:00:00,000 --> 00:00:02,500\nspeaker_1: Meet me at Zanzibar.\n\n2\n00:00:03,000 --> 00:00:04,000\nspeaker_2: I will.\n\n",
  ],
  vtt: [
    "text/vtt; charset=utf-8",
    "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n<v speaker_1>Meet me at Zanzibar.</v>\n\n00:00:03.000 --> 00:00:04.000\n<v speaker_2>I will.</v>\n\n",
  ],
} as const;

describe("a transcript is given", () => {
  test.each(Object.entries(FILES))("as .%s", async (suffix, [type, file]) => {
    const response = await get(`${await transcribed()}/transcript.${suffix}`);
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, type]);
    expect(await response.text()).toBe(file);
  });

  test("as .json, without what the result says beside it", async () => {
    const { task: _, status: __, model: ___, ...transcript } = RESULT;
    const response = await get(`${await transcribed()}/transcript.json`);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(await response.json()).toEqual(transcript);
  });

  test.each([
    ["text/vtt", "text/vtt; charset=utf-8"],
    ["text/vtt;q=0.5, application/x-subrip", "application/x-subrip; charset=utf-8"],
    ["text/*", "text/plain; charset=utf-8"],
    ["*/*", "application/json"],
    ["application/json;q=0, */*;q=0.1", "text/plain; charset=utf-8"],
  ])("in the format that Accept %s wants", async (Accept, type) => {
    const response = await get(`${await transcribed()}/transcript`, { headers: { Accept } });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, type]);
    expect(response.headers.get("Vary")).toContain("Accept");
  });

  test("in cues within the limits that were asked for", async () => {
    const query = "max_line_characters=16&max_lines=1&max_cue_seconds=5";
    const response = await get(`${await transcribed()}/transcript.vtt?${query}`);
    expect((await response.text()).match(/(?<=>).*(?=<\/v>)/g)).toEqual([
      "Meet me at",
      "Zanzibar.",
      "I will.",
    ]);
  });
});

describe("a transcript is refused", () => {
  test.each([
    ["transcript", "audio/mpeg"],
    ["transcript", "text/vtt;q=0"],
    ["transcript.srt", "text/vtt"],
  ])("as %s to whoever accepts only %s", async (path, Accept) => {
    const response = await get(`${await transcribed()}/${path}`, { headers: { Accept } });
    expect(await refusalOf(response)).toMatchObject({ status: 406, code: "not_acceptable" });
  });

  test.each(["max_lines=0", "max_line_characters=201", "max_cue_seconds=0.1", "lines=2"])(
    "with %s",
    async (query) => {
      expect((await get(`${await transcribed()}/transcript.srt?${query}`)).status).toBe(400);
    },
  );

  test("in a format that there is not", async () => {
    expect((await get(`${await transcribed()}/transcript.pdf`)).status).toBe(404);
  });

  test("while the job runs, and of a job that ended without one", async () => {
    const id = await submitted();
    expect(await refusalOf(await get(`${id}/transcript.txt`))).toMatchObject({
      status: 409,
      code: "conflict",
    });
    const lease = await claim(api.owner.db, id);
    expect((await get(`${id}/transcript.txt`)).status).toBe(409);
    const error = { code: "no_audio", message: "There is no sound in it." } as const;
    await finish(api.owner.db, lease, { status: "failed", results: [], error });
    const refusal = await bodyOf<object>(await get(`${id}/transcript.txt`));
    expect(refusal).toMatchObject({ status: 409, detail: expect.stringContaining("no_audio") as string });
  });

  test("when the task failed, with its reason", async () => {
    const failed = {
      task: TASK,
      status: "failed",
      error: { code: "model_unavailable", message: "No model." },
    };
    const refusal = await bodyOf<object>(await get(`${await transcribed(failed, "failed")}/transcript.txt`));
    expect(refusal).toMatchObject({ status: 409, detail: "speech.transcription failed: No model." });
  });

  test("of a job that was not asked for one", async () => {
    const id = await submitted(["audio.features"]);
    await claimAndFinish(api.owner.db, id);
    expect((await get(`${id}/transcript.txt`)).status).toBe(404);
  });

  test("of a deleted job: it is gone", async () => {
    const id = await transcribed();
    await api.send("DELETE", `/v1/jobs/${id}`);
    expect((await get(`${id}/transcript.txt`)).status).toBe(410);
  });

  test("to another account: it is not there", async () => {
    const as = await api.addCaller();
    expect((await get(`${await transcribed()}/transcript.txt`, { as })).status).toBe(404);
  });
});

test("nothing of what was said lies in the database", async () => {
  const id = await transcribed();
  const { sql } = api.owner;
  const rows = await sql`select to_jsonb(r)::text as row from task_results r where job_id = ${id}`;
  expect(rows).toHaveLength(1);
  const text = JSON.stringify(rows);
  expect(text).toContain(TASK);
  for (const said of ["Zanzibar", toBase64(new TextEncoder().encode("Zanzibar")).slice(1, -3)])
    expect(text).not.toContain(said);
});

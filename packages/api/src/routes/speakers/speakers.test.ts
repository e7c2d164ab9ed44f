import { afterAll, beforeAll, expect, test } from "vitest";
import { unseal } from "@earshot/shared/crypto/seal";
import { LIMITS } from "@earshot/shared/domain/limits";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { sealedResult, sealKeyOf } from "../../../test/sealed-result.ts";
import { claimAndFinish } from "../../../test/worker-stand-in.ts";
import type { SpeakerBody } from "./speaker-body.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const PATH = "/v1/speakers";
const SPACE = "wespeaker-voxceleb-resnet34-LM@7bb2f06e9df1";
const CONSENT = "Anna, on 2026-11-25, for minutes of our meetings";

/** A vector of 256 at so many degrees from the first axis, towards the second. */
function voiceAt(degrees: number): number[] {
  const angle = (degrees / 180) * Math.PI;
  return Array.from({ length: 256 }, (_, i) => [Math.cos(angle), Math.sin(angle)][i] ?? 0);
}

const MEETING = {
  task: "speech.speakers",
  status: "succeeded",
  space: SPACE,
  speakers: [
    { speaker: "speaker_1", speech_seconds: 12.5, embedding: voiceAt(0) },
    { speaker: "speaker_2", speech_seconds: 3, embedding: voiceAt(90) },
  ],
  turns: [],
};
/** The same people later: the second one speaks first, and both sound a little different. */
const LATER = {
  ...MEETING,
  speakers: [
    { speaker: "speaker_1", speech_seconds: 4, embedding: voiceAt(80) },
    { speaker: "speaker_2", speech_seconds: 9, embedding: voiceAt(-30) },
  ],
};

/** A job that ended with this result of `speech.speakers`, as a worker seals it. */
async function endedJob(result: object, { as = api.caller, inBlob = false } = {}): Promise<string> {
  const json = { input: { url: "https://example.com/a.wav" }, tasks: ["speech.speakers"] };
  const { id } = await bodyOf(await api.send("POST", "/v1/jobs", { json, as }));
  const room = { blobs: api.deps.blobs, resultSealKey: await sealKeyOf(api.deps.resultKeys) };
  const stored = await sealedResult(room, id, JSON.stringify(result), inBlob, "speech.speakers");
  await claimAndFinish(api.owner.db, id, { results: [stored] });
  return id;
}

const enrol = (json: object, as = api.caller) => api.send("POST", PATH, { json, as });

async function enrolled(jobId: string, speaker = "speaker_1", as = api.caller): Promise<SpeakerBody> {
  const response = await enrol({ name: "Anna", consent: CONSENT, job_id: jobId, speaker }, as);
  expect(response.status).toBe(201);
  return bodyOf<SpeakerBody>(response);
}

const verify = (id: string, json: object, as = api.caller) =>
  api.send("POST", `${PATH}/${id}/verify`, { json, as });

const actsOn = (id: string) =>
  api.owner.sql<{ action: string; detail: unknown }[]>`
    select action, detail from audit_log where target = ${id} order by created_at, id`;

test("a speaker is enrolled with the voice that a job heard, which is sealed and shown nowhere", async () => {
  const jobId = await endedJob(MEETING);
  const speaker = await enrolled(jobId);
  expect(speaker).toEqual({
    id: expect.stringMatching(/^spk_[0-9A-Z]{26}$/),
    name: "Anna",
    consent: CONSENT,
    space: SPACE,
    speech_seconds: 12.5,
    job_id: jobId,
    created_at: expect.any(String),
  });
  expect(await bodyOf(await api.send("GET", `${PATH}/${speaker.id}`))).toEqual(speaker);
  const { data } = await bodyOf<{ data: SpeakerBody[] }>(await api.send("GET", PATH));
  expect(data).toContainEqual(speaker);
  const [row] = await api.owner.sql`select embedding_sealed as sealed from speakers where id = ${speaker.id}`;
  const vector = Buffer.from(await unseal(api.deps.sealKeys, row?.["sealed"], speaker.id), "base64");
  expect(vector.byteLength).toBe(4 * 256);
  expect(vector.readFloatLE(0)).toBe(1);
  expect(await actsOn(speaker.id)).toEqual([{ action: "speaker.create", detail: { job_id: jobId } }]);
});

test.each([
  ["in its row", false],
  ["in a blob", true],
])("a later job's voices are told by their nearness, the likeliest first: %s", async (_, inBlob) => {
  const speaker = await enrolled(await endedJob(MEETING));
  const jobId = await endedJob(LATER, { inBlob });
  const response = await verify(speaker.id, { job_id: jobId });
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  expect(await bodyOf(response)).toEqual({
    speaker_id: speaker.id,
    space: SPACE,
    threshold: 0.5,
    voices: [
      { speaker: "speaker_2", score: 0.866, decision: "same" },
      { speaker: "speaker_1", score: 0.1736, decision: "different" },
    ],
  });
  expect(await actsOn(speaker.id)).toContainEqual({ action: "speaker.verify", detail: { job_id: jobId } });
});

test("one voice may be asked about, and another threshold be given", async () => {
  const speaker = await enrolled(await endedJob(MEETING));
  const answer = await verify(speaker.id, {
    job_id: await endedJob(LATER),
    speaker: "speaker_2",
    threshold: 0.9,
  });
  expect(await bodyOf(answer)).toMatchObject({
    threshold: 0.9,
    voices: [{ speaker: "speaker_2", score: 0.866, decision: "different" }],
  });
});

test("voices of two models are never compared", async () => {
  const speaker = await enrolled(await endedJob(MEETING));
  const other = await endedJob({ ...LATER, space: "wespeaker-voxceleb-resnet34-LM@000000000000" });
  expect(await refusalOf(await verify(speaker.id, { job_id: other }))).toMatchObject({
    status: 409,
    code: "conflict",
  });
});

test("in a space that nobody knows a threshold of, there is a score and no decision", async () => {
  const space = "another-model@0123456789ab";
  const speaker = await enrolled(await endedJob({ ...MEETING, space }));
  const jobId = await endedJob({ ...LATER, space });
  const answer = await bodyOf<{ voices: object[] }>(await verify(speaker.id, { job_id: jobId }));
  expect(answer).toMatchObject({ threshold: null });
  expect(answer.voices[0]).toEqual({ speaker: "speaker_2", score: 0.866, decision: null });
  expect(await bodyOf(await verify(speaker.id, { job_id: jobId, threshold: 0.5 }))).toMatchObject({
    voices: [{ decision: "same" }, { decision: "different" }],
  });
});

test("a job without voices, a label that it has not, and a job that is gone are refused", async () => {
  const { space: _space, ...silent } = MEETING;
  const order = { name: "Anna", consent: CONSENT, speaker: "speaker_1" };
  const without = await endedJob(silent);
  expect(await refusalOf(await enrol({ ...order, job_id: without }))).toMatchObject({ status: 409 });
  const heard = await endedJob(MEETING);
  const ninth = { ...order, job_id: heard, speaker: "speaker_9" };
  expect(await refusalOf(await enrol(ninth))).toMatchObject({ status: 400, code: "validation_failed" });
  const speaker = await enrolled(heard);
  await api.send("DELETE", `/v1/jobs/${heard}`);
  expect(await refusalOf(await enrol({ ...order, job_id: heard }))).toMatchObject({ status: 410 });
  expect(await refusalOf(await verify(speaker.id, { job_id: heard }))).toMatchObject({ status: 410 });
  // The voice was enrolled for itself: it outlives its job.
  expect((await verify(speaker.id, { job_id: await endedJob(LATER) })).status).toBe(200);
});

test.each(["name", "consent", "job_id", "speaker"])("nobody is enrolled without %s", async (field) => {
  const order = { name: "Anna", consent: CONSENT, job_id: "job_0", speaker: "speaker_1", [field]: undefined };
  expect(await refusalOf(await enrol(order))).toMatchObject({ status: 400, code: "validation_failed" });
});

test("another account sees neither the speaker nor, through its own, the job", async () => {
  const theirs = await api.addCaller();
  const jobId = await endedJob(MEETING);
  const speaker = await enrolled(jobId);
  const own = await enrolled(await endedJob(MEETING, { as: theirs }), "speaker_1", theirs);
  const order = { name: "Anna", consent: CONSENT, job_id: jobId, speaker: "speaker_1" };
  const refused = await Promise.all([
    api.send("GET", `${PATH}/${speaker.id}`, { as: theirs }),
    api.send("DELETE", `${PATH}/${speaker.id}`, { as: theirs }),
    verify(speaker.id, { job_id: jobId }, theirs),
    verify(own.id, { job_id: jobId }, theirs),
    enrol(order, theirs),
  ]);
  expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  const { data } = await bodyOf<{ data: SpeakerBody[] }>(await api.send("GET", PATH, { as: theirs }));
  expect(data).toEqual([own]);
});

test("whoever may not read results may not learn of them through voices", async () => {
  const jobId = await endedJob(MEETING);
  const { id } = await enrolled(jobId);
  const key = async (scopes: string[]): Promise<Caller> => {
    const json = { name: "narrow", scopes };
    const made = await bodyOf<{ key: string }>(await api.send("POST", "/v1/api-keys", { json }));
    return { ...api.caller, key: made.key };
  };
  const narrow = await key(["speakers:read", "speakers:write"]);
  const order = { name: "Anna", consent: CONSENT, job_id: jobId, speaker: "speaker_1" };
  expect((await verify(id, { job_id: jobId }, narrow)).status).toBe(403);
  expect((await enrol(order, narrow)).status).toBe(403);
  const both = await key(["speakers:read", "jobs:read"]);
  expect((await verify(id, { job_id: jobId }, both)).status).toBe(200);
  expect((await enrol(order, both)).status).toBe(403);
});

test("who is deleted is gone with their voice, and with their account", async () => {
  const speaker = await enrolled(await endedJob(MEETING));
  expect((await api.send("DELETE", `${PATH}/${speaker.id}`)).status).toBe(204);
  expect((await api.send("GET", `${PATH}/${speaker.id}`)).status).toBe(404);
  expect((await api.send("DELETE", `${PATH}/${speaker.id}`)).status).toBe(404);
  expect(await api.owner.sql`select from speakers where id = ${speaker.id}`).toEqual([]);
  expect((await actsOn(speaker.id)).map(({ action }) => action)).toEqual([
    "speaker.create",
    "speaker.delete",
  ]);

  const leaving = await api.addCaller();
  await enrolled(await endedJob(MEETING, { as: leaving }), "speaker_2", leaving);
  await api.owner.sql`update accounts set deleted_at = now() where id = ${leaving.accountId}`;
  await api.owner.sql`select purge_account(${leaving.accountId}, 100)`;
  expect(await api.owner.sql`select from speakers where account_id = ${leaving.accountId}`).toEqual([]);
});

test("an account has so many speakers and no more", async () => {
  const full = await api.addCaller();
  const jobId = await endedJob(MEETING, { as: full });
  await api.owner.sql`
    insert into speakers (id, account_id, name, consent, space, embedding_sealed, speech_seconds, job_id)
    select 'spk_' || n, ${full.accountId}, 'n', 'c', ${SPACE}, 'v1', 1, 'job_0' from generate_series(2, ${LIMITS.speakers}::int) n`;
  const order = { name: "Anna", consent: CONSENT, job_id: jobId, speaker: "speaker_1" };
  const both = await Promise.all([enrol(order, full), enrol(order, full)]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 429]);
});

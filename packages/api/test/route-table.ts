import { randomUUID } from "node:crypto";
import { newBoxKeyPair } from "@earshot/shared/crypto/box-assertions";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { enrolBox, insertEnrolment } from "@earshot/shared/db/boxes";
import { insertCalibration } from "@earshot/shared/db/calibrations";
import { insertSpeaker } from "@earshot/shared/db/speakers";
import { newJob, submitNewJob } from "@earshot/testkit/rooms";
import { bodyOf } from "./answer.ts";
import type { ApiUnderTest, Caller } from "./api-under-test.ts";
import { addPerson } from "./person.ts";

/** How the suite over all routes calls one of them. */
export interface RouteSample {
  /** What `:id` in the path is; each call gets one of its own, made by the caller's account. */
  of?: keyof typeof MAKERS;
  /** Other parameters of the path. */
  params?: Record<string, string>;
  json?: unknown;
  /** Any credential will do: the route asks for no scope. */
  needsNoScope?: true;
  /** Open to those who have no credential yet. */
  isOpen?: true;
  /** For people who are signed in, so not for keys: suites/describe-sessions.ts calls it. */
  isPersonal?: true;
  /** It changes nothing, though it is no GET: a viewer may use it. */
  onlyReads?: true;
}

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 4 };
const ENDPOINT = { url: "https://example.com/hook" };
/** Of the job that is made with a speaker. */
const HEARD = { job_id: "job_01BX5ZZKBKACTAV9WEVGEMMVRZ", speaker: "speaker_1" };
const KEY = { name: "a test's", scopes: ["jobs:read"] };

/** One line a route. A route of the app that is missing here fails the suite, and so does a line without a route. */
export const ROUTES: Readonly<Record<string, RouteSample>> = {
  "POST /v1/uploads": { json: UPLOAD },
  "POST /v1/uploads/:id/complete": { of: "upload" },
  "POST /v1/jobs": { json: JOB },
  "GET /v1/jobs": {},
  "GET /v1/jobs/:id": { of: "job" },
  "DELETE /v1/jobs/:id": { of: "canceledJob" },
  "GET /v1/jobs/:id/result": { of: "job" },
  "GET /v1/jobs/:id/result/:task": { of: "job", params: { task: "audio.features" } },
  "GET /v1/jobs/:id/transcript": { of: "transcriptionJob" },
  "GET /v1/jobs/:id/transcript.json": { of: "transcriptionJob" },
  "GET /v1/jobs/:id/transcript.txt": { of: "transcriptionJob" },
  "GET /v1/jobs/:id/transcript.srt": { of: "transcriptionJob" },
  "GET /v1/jobs/:id/transcript.vtt": { of: "transcriptionJob" },
  "POST /v1/audio/transcriptions": {},
  "POST /v1/audio/translations": {},
  "POST /v1/jobs/:id/cancel": { of: "job" },
  "POST /v1/jobs/:id/retry": { of: "canceledJob" },
  "GET /v1/jobs/:id/events": { of: "canceledJob" },
  "POST /v1/search/similar": { json: { vector: [1], space: "s@1" }, onlyReads: true },
  "POST /v1/calibrations": {},
  "GET /v1/calibrations": {},
  "PATCH /v1/calibrations/:id": { of: "calibration", json: { active: true } },
  "POST /v1/speakers": { of: "speaker", json: { ...HEARD, name: "Anna", consent: "hers" } },
  "GET /v1/speakers": {},
  "GET /v1/speakers/:id": { of: "speaker" },
  "POST /v1/speakers/:id/verify": { of: "speaker", json: HEARD, onlyReads: true },
  "DELETE /v1/speakers/:id": { of: "speaker" },
  "POST /v1/webhook-endpoints": { json: ENDPOINT },
  "GET /v1/webhook-endpoints": {},
  "GET /v1/webhook-endpoints/:id": { of: "endpoint" },
  "PATCH /v1/webhook-endpoints/:id": { of: "endpoint", json: { description: "x" } },
  "DELETE /v1/webhook-endpoints/:id": { of: "endpoint" },
  "POST /v1/webhook-endpoints/:id/rotate-secret": { of: "endpoint" },
  "POST /v1/webhook-endpoints/:id/test": { of: "endpoint" },
  "POST /v1/webhook-endpoints/:id/recover": { of: "endpoint", json: { since: "2026-01-01T00:00:00Z" } },
  "GET /v1/webhook-endpoints/:id/attempts": { of: "endpoint" },
  "GET /v1/events": {},
  "POST /v1/events/listen": { json: { secret: newWebhookSecret() }, onlyReads: true },
  "GET /v1/events/:id": { of: "event" },
  "GET /v1/events/:id/deliveries": { of: "event" },
  "POST /v1/events/:id/redeliver": { of: "event" },
  "GET /v1/audit": {},
  "GET /v1/account/export": {},
  "POST /v1/account/rotate-webhook-secret": {},
  "DELETE /v1/account": {},
  "GET /v1/models": {},
  "GET /v1/models/:id": { params: { id: "silero_vad" } },
  "GET /v1/me": { needsNoScope: true },
  "GET /v1/limits": {},
  "GET /v1/usage": {},
  "GET /v1/auth/login": { isOpen: true },
  "POST /v1/auth/login": { isOpen: true },
  "GET /v1/auth/callback": { isOpen: true },
  "POST /v1/auth/password": { isOpen: true },
  "POST /v1/auth/accept": { isOpen: true },
  "GET /v1/auth/device": { isOpen: true },
  "POST /v1/auth/device": { isOpen: true },
  "POST /v1/auth/device/token": { isOpen: true },
  "POST /v1/auth/device/decision": { needsNoScope: true, isPersonal: true },
  "POST /v1/auth/token": { needsNoScope: true },
  "GET /v1/auth/sessions": { needsNoScope: true, isPersonal: true },
  "DELETE /v1/auth/sessions/:id": {
    params: { id: "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV" },
    needsNoScope: true,
    isPersonal: true,
  },
  "POST /v1/auth/logout": { needsNoScope: true, isPersonal: true },
  "POST /v1/members": { json: { email: "new@example.com", role: "viewer" } },
  "GET /v1/members": {},
  "PATCH /v1/members/:id": { of: "member", json: { role: "viewer" } },
  "DELETE /v1/members/:id": { of: "member" },
  "POST /v1/api-keys": { json: KEY },
  "GET /v1/api-keys": {},
  "GET /v1/api-keys/:id": { of: "apiKey" },
  "POST /v1/api-keys/:id/rotate": { of: "apiKey" },
  "DELETE /v1/api-keys/:id": { of: "apiKey" },
  "POST /v1/boxes/enrolments": { json: { name: "a test's" } },
  "POST /v1/boxes": { isOpen: true },
  "POST /v1/boxes/token": { isOpen: true },
  "GET /v1/boxes": {},
  "DELETE /v1/boxes/:id": { of: "box" },
};

/** Makes something in the caller's account and says its id. */
type Maker = (api: ApiUnderTest) => Promise<string>;

const post =
  (path: string, json: unknown): Maker =>
  async (api) =>
    (await bodyOf(await api.send("POST", path, { json }))).id;

const job = post("/v1/jobs", JOB);
const endpoint = post("/v1/webhook-endpoints", ENDPOINT);

const MAKERS = {
  job,
  endpoint,
  /** Sent to an endpoint. */
  async event(api: ApiUnderTest) {
    const sent = await api.send("POST", `/v1/webhook-endpoints/${await endpoint(api)}/test`);
    return (await bodyOf<{ event_id: string }>(sent)).event_id;
  },
  async speaker({ owner, deps, caller: { accountId } }: ApiUnderTest) {
    const isThere = await owner.sql`select from jobs where id = ${HEARD.job_id}`;
    if (isThere.length === 0) await submitNewJob(owner.db, newJob(accountId, { id: HEARD.job_id }));
    const voice = { speechSeconds: 1, space: "s@1", embedding: [1], jobId: HEARD.job_id };
    const made = await insertSpeaker(owner.db, deps.sealKeys, {
      accountId,
      name: "Anna",
      consent: "hers",
      ...voice,
    });
    return made?.id ?? "none";
  },
  upload: post("/v1/uploads", UPLOAD),
  apiKey: post("/v1/api-keys", KEY),
  async calibration({ owner, caller: { accountId } }: ApiUnderTest) {
    const measured = { model: "m", modelVersion: "1", results: 50, thresholds: {} };
    return (await insertCalibration(owner.db, accountId, measured)).id;
  },
  /** What a role may do is what he may be changed by: a viewer is below everybody. */
  async member({ owner, caller: { accountId } }: ApiUnderTest) {
    return (await addPerson(owner.db, accountId, "viewer")).userId;
  },
  /** As the operator's account lets one in: nobody else may, so it is not made through the API. */
  async box({ owner, caller: { accountId } }: ApiUnderTest) {
    const codeHash = randomUUID();
    await insertEnrolment(owner.db, { codeHash, name: "a test's", accountId, createdBy: "usr_test" });
    const { publicJwk } = await newBoxKeyPair();
    const made = await enrolBox(owner.db, codeHash, {
      algorithm: "EdDSA",
      publicJwk: JSON.stringify(publicJwk),
    });
    return made?.id ?? "none";
  },
  transcriptionJob: post("/v1/jobs", { ...JOB, tasks: ["speech.transcription"] }),
  async canceledJob(api: ApiUnderTest) {
    const id = await job(api);
    await api.send("POST", `/v1/jobs/${id}/cancel`);
    return id;
  },
} satisfies Record<string, Maker>;

/** One of each, for a caller of `api`'s. */
export async function makeOneOfEach(api: ApiUnderTest, as: Caller): Promise<string[]> {
  const send: ApiUnderTest["send"] = (method, path, options) => api.send(method, path, { as, ...options });
  const ids: string[] = [];
  for (const make of Object.values(MAKERS)) ids.push(await make({ ...api, caller: as, send }));
  return ids;
}

/** The path of one call, about something that is there. */
export async function pathOf(api: ApiUnderTest, path: string, sample: RouteSample): Promise<string> {
  const made = sample.of === undefined ? {} : { id: await MAKERS[sample.of](api) };
  const params: Record<string, string> = { ...made, ...sample.params };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => params[name] ?? "missing");
}

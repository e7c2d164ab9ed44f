import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApi } from "../test/api-under-test.ts";
import type { ApiUnderTest, SendOptions } from "../test/api-under-test.ts";
import type { ProblemDetails } from "./problem.ts";

const URL_INPUT = { url: "https://example.com/a.wav" };
const JOB = { input: URL_INPUT, tasks: ["audio.features"] };
const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 10 };

type Case = [name: string, request: SendOptions, pointer: string | null, status?: number];

const json = (text: string): SendOptions => ({ body: text, headers: { "Content-Type": "application/json" } });
const job = (fields: object): SendOptions => ({ json: { ...JOB, ...fields } });
const withType = (contentType: string | null): SendOptions => ({
  body: JSON.stringify(JOB),
  headers: { "Content-Type": contentType },
});
const bytes = (...parts: (string | number)[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : [...new TextEncoder().encode(part)])),
  );
const keyed = (key: string): SendOptions => ({ ...job({}), headers: { "Idempotency-Key": key } });

const BAD_JOBS: Case[] = [
  ["no body and no type", {}, "/input"],
  ["an empty body", json(""), ""],
  ["broken JSON", json('{"input":'), ""],
  ["JSON with a byte order mark", json(`\uFEFF${JSON.stringify(JOB)}`), ""],
  [
    "bytes that are not UTF-8",
    { body: bytes('{"tasks":["', 0xff, 0xfe, '"]}'), headers: { "Content-Type": "application/json" } },
    "",
  ],
  ["null", json("null"), ""],
  ["a list", json("[]"), ""],
  ["a text", json('"job"'), ""],
  ["lists nested 100,000 deep", json("[".repeat(100_000) + "]".repeat(100_000)), "/0".repeat(32)],
  [
    "objects nested deep in a field",
    json(`{"metadata":${'{"a":'.repeat(64)}1${"}".repeat(64)}}`),
    `/metadata${"/a".repeat(31)}`,
  ],
  ["text instead of JSON", withType("text/plain"), null, 415],
  ["a form", withType("application/x-www-form-urlencoded"), null, 415],
  ["a body without a type", withType(null), null, 415],
  ["a type that is none", withType("json"), null, 415],
  ["JSON in another encoding", withType("application/json; charset=utf-16"), null, 415],
  ["compressed JSON", { ...job({}), headers: { "Content-Encoding": "gzip" } }, null, 415],
  ["a body of more than 1 MiB", job({ metadata: { a: "x".repeat(1024 ** 2) } }), null, 413],
  ["no input", json('{"tasks":["audio.features"]}'), "/input"],
  ["an empty input", job({ input: {} }), "/input"],
  ["two inputs", job({ input: { ...URL_INPUT, upload_id: "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV" } }), "/input"],
  ["an input of another kind", job({ input: { path: "/etc/passwd" } }), "/input/path"],
  ["an input that is a text", job({ input: "https://example.com/a.wav" }), "/input"],
  ["an upload id of another form", job({ input: { upload_id: "upl_1" } }), "/input/upload_id"],
  ["a number for an upload id", job({ input: { upload_id: 7 } }), "/input/upload_id"],
  ["a relative URL", job({ input: { url: "/a.wav" } }), "/input/url"],
  ["a file URL", job({ input: { url: "file:///etc/passwd" } }), "/input/url"],
  ["a plain http URL", job({ input: { url: "http://example.com/a.wav" } }), "/input/url"],
  ["a URL with a password", job({ input: { url: "https://u:p@example.com/a.wav" } }), "/input/url"],
  ["a URL without a host", job({ input: { url: "https://" } }), "/input/url"],
  ["a URL with a blank", job({ input: { url: "https://example.com/a b.wav" } }), "/input/url"],
  ["a URL with a backslash", job({ input: { url: "https://example.com\\@evil.test/" } }), "/input/url"],
  [
    "a URL of 3,000 characters",
    job({ input: { url: `https://example.com/${"a".repeat(3000)}` } }),
    "/input/url",
  ],
  ["no tasks", json(JSON.stringify({ input: URL_INPUT })), "/tasks"],
  ["an empty list of tasks", job({ tasks: [] }), "/tasks"],
  ["an unknown task", job({ tasks: ["audio.features", "audio.magic"] }), "/tasks/1"],
  ["a task named like a prototype's field", job({ tasks: ["constructor"] }), "/tasks/0"],
  ["a task twice", job({ tasks: ["audio.features", "audio.features"] }), "/tasks/1"],
  ["33 tasks", job({ tasks: Array(33).fill("audio.features") }), "/tasks"],
  ["100,000 tasks that are none", job({ tasks: Array(100_000).fill(0) }), "/tasks"],
  ["tasks as a text", job({ tasks: "audio.features" }), "/tasks"],
  [
    "an option that is out of range",
    job({ options: { "audio.features": { silence_threshold_dbfs: 3 } } }),
    "/options/audio.features/silence_threshold_dbfs",
  ],
  [
    "an option that nobody knows",
    job({ options: { "audio.features": { loud: true } } }),
    "/options/audio.features/loud",
  ],
  [
    "options of a task that isn't asked for",
    job({ options: { "speech.segments": {} } }),
    "/options/speech.segments",
  ],
  ["options of an unknown task", job({ options: { "a/b~c": {} } }), "/options/a~1b~0c"],
  ["options named like a prototype's field", job({ options: { constructor: {} } }), "/options/constructor"],
  ["options under __proto__", json(`{"options":{"__proto__":{}}}`), "/options/__proto__"],
  ["options that are a list", job({ options: [] }), "/options"],
  [
    "an infinite number",
    json(`{"options":{"audio.features":{"silence_min_seconds":1e999}}}`),
    "/options/audio.features/silence_min_seconds",
  ],
  ["a webhook without a URL", job({ webhook: {} }), "/webhook/url"],
  ["an input on a private address", job({ input: { url: "https://10.0.0.1/a.wav" } }), "/input/url"],
  ["an input on loopback, as a number", job({ input: { url: "https://2130706433/a.wav" } }), "/input/url"],
  ["an input on a port of its own", job({ input: { url: "https://example.com:6379/" } }), "/input/url"],
  ["a webhook on a local name", job({ webhook: { url: "https://printer.local/hook" } }), "/webhook/url"],
  [
    "a webhook at a cloud's metadata",
    job({ webhook: { url: "https://[::ffff:169.254.169.254]/" } }),
    "/webhook/url",
  ],
  ["a webhook over http", job({ webhook: { url: "http://example.com/hook" } }), "/webhook/url"],
  [
    "a webhook's secret of another form",
    job({ webhook: { url: "https://example.com", secret: "hunter2" } }),
    "/webhook/secret",
  ],
  [
    "a webhook's event that doesn't exist",
    job({ webhook: { url: "https://example.com", events: ["job.done"] } }),
    "/webhook/events/0",
  ],
  ["a webhook that is null", job({ webhook: null }), "/webhook"],
  [
    "17 fields of metadata",
    job({ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ""])) }),
    "/metadata",
  ],
  ["metadata of 513 bytes in 512 characters", job({ metadata: { a: `${"x".repeat(511)}é` } }), "/metadata/a"],
  ["metadata that is a number", job({ metadata: { a: 1 } }), "/metadata/a"],
  ["metadata with an empty name", job({ metadata: { "": "a" } }), "/metadata/"],
  ["metadata under __proto__", json(`{"metadata":{"__proto__":"a"}}`), "/metadata/__proto__"],
  ["a zero byte in a value", job({ metadata: { a: "b\u0000c" } }), "/metadata/a"],
  ["a zero byte in a name", job({ metadata: { "a\u0000": "b" } }), "/metadata/a\u0000"],
  ["an escape sequence", job({ metadata: { a: "\u001b[2J" } }), "/metadata/a"],
  ["a lone surrogate", json(String.raw`{"metadata":{"a":"\ud800"}}`), "/metadata/a"],
  ["a retention of nothing", job({ retention: 0 }), "/retention"],
  ["a retention of a century", job({ retention: 3_155_760_000 }), "/retention"],
  ["a timeout with a fraction", job({ timeout_seconds: 1.5 }), "/timeout_seconds"],
  ["a timeout as a text", job({ timeout_seconds: "60" }), "/timeout_seconds"],
  ["a timeout below zero", job({ timeout_seconds: -1 }), "/timeout_seconds"],
  ["a deadline beyond every integer", json(`{"queue_deadline_seconds":1e300}`), "/queue_deadline_seconds"],
  ["a priority that is none", job({ priority: "urgent" }), "/priority"],
  ["a field that nobody knows", job({ queue_deadline: 1 }), "/queue_deadline"],
  ["an empty idempotency key", keyed(""), "/headers/Idempotency-Key"],
  ["an idempotency key with a blank", keyed("a b"), "/headers/Idempotency-Key"],
  ["an idempotency key of 256 characters", keyed("k".repeat(256)), "/headers/Idempotency-Key"],
  ["an idempotency key that isn't ASCII", keyed("clé"), "/headers/Idempotency-Key"],
];

const BAD_UPLOADS: Case[] = [
  ["no body", {}, "/filename"],
  ["no size", { json: { ...UPLOAD, size: undefined } }, "/size"],
  ["a size of nothing", { json: { ...UPLOAD, size: 0 } }, "/size"],
  ["a size of 3 GiB", { json: { ...UPLOAD, size: 3 * 1024 ** 3 } }, "/size"],
  ["a size with a fraction", { json: { ...UPLOAD, size: 1.5 } }, "/size"],
  [
    "a type that would be a header of its own",
    { json: { ...UPLOAD, content_type: "audio/wav\r\nX: y" } },
    "/content_type",
  ],
  ["a type that is none", { json: { ...UPLOAD, content_type: "wav" } }, "/content_type"],
  ["a hash in capitals", { json: { ...UPLOAD, sha256: "A".repeat(64) } }, "/sha256"],
  ["an empty filename", { json: { ...UPLOAD, filename: "" } }, "/filename"],
  ["a filename of two lines", { json: { ...UPLOAD, filename: "a\nb" } }, "/filename"],
  ["a zero byte in a filename", { json: { ...UPLOAD, filename: "a\u0000" } }, "/filename"],
];

/** Parts of a form: a value is text, a File is a file. */
function form(...parts: [name: string, value: string | File][]): SendOptions {
  const body = new FormData();
  for (const [name, value] of parts) body.append(name, value);
  return sent(body);
}
/** A stream and its type, boundary and all. */
function sent(form: FormData): SendOptions {
  const { body, headers } = new Response(form);
  return { body: body ?? "", headers: { "Content-Type": headers.get("Content-Type") } };
}
const audio = (content: string | Uint8Array<ArrayBuffer> = "RIFF....WAVE") =>
  new File([content], "a.wav", { type: "audio/wav" });
const withHeader = (name: string, value: string): SendOptions => {
  const good = form(["file", audio()], ["job", order()]);
  return { ...good, headers: { ...good.headers, [name]: value } };
};
const ORDER = { tasks: ["audio.features"] };
const order = (fields: object = {}) => JSON.stringify({ ...ORDER, ...fields });
const rawForm = (body: string, type = "multipart/form-data; boundary=x"): SendOptions => ({
  body,
  headers: { "Content-Type": type },
});

const BAD_FORMS: Case[] = [
  ["a form without a boundary", rawForm("--x--", "multipart/form-data"), ""],
  ["an empty form", rawForm(""), ""],
  [
    "a form that ends early",
    rawForm('--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF'),
    "",
  ],
  ["a compressed form", withHeader("Content-Encoding", "gzip"), null, 415],
  ["no file", form(["job", order()]), "/file"],
  ["a file that is a text", form(["file", "RIFF"], ["job", order()]), "/file"],
  ["an empty file", form(["file", audio("")], ["job", order()]), "/file"],
  ["two files", form(["file", audio()], ["file", audio()], ["job", order()]), "/file"],
  ["an image", form(["file", audio(bytes(0x89, "PNG\r\n", 0x1a, "\n"))], ["job", order()]), "/file", 422],
  ["a web page", form(["file", audio("<!doctype html>")], ["job", order()]), "/file", 422],
  ["a PDF document", form(["file", audio("%PDF-1.7")], ["job", order()]), "/file", 422],
  [
    "a file of 25 MiB and a byte",
    form(["file", audio(new Uint8Array(25 * 1024 ** 2 + 1))], ["job", order()]),
    null,
    413,
  ],
  [
    "a form of more than 26 MiB",
    form(["file", audio(new Uint8Array(26 * 1024 ** 2))], ["job", order()]),
    null,
    413,
  ],
  ["no job", form(["file", audio()]), "/job"],
  ["two jobs", form(["file", audio()], ["job", order()], ["job", order()]), "/job"],
  ["a job that is no JSON", form(["file", audio()], ["job", "tasks=a"]), "/job"],
  ["a job that is null", form(["file", audio()], ["job", "null"]), "/job"],
  [
    "a job nested deep",
    form(["file", audio()], ["job", "[".repeat(1_000) + "]".repeat(1_000)]),
    `/job${"/0".repeat(31)}`,
  ],
  [
    "a job with an input of its own",
    form(["file", audio()], ["job", order({ input: URL_INPUT })]),
    "/job/input",
  ],
  ["a job with an unknown task", form(["file", audio()], ["job", order({ tasks: ["a"] })]), "/job/tasks/0"],
  [
    "a job with a task twice",
    form(["file", audio()], ["job", order({ tasks: ["audio.features", "audio.features"] })]),
    "/job/tasks/1",
  ],
  [
    "a job with a zero byte",
    form(["file", audio()], ["job", order({ metadata: { a: "\0" } })]),
    "/job/metadata/a",
  ],
  [
    "a job with a webhook over http",
    form(["file", audio()], ["job", order({ webhook: { url: "http://example.com" } })]),
    "/job/webhook/url",
  ],
  ["a form of 33 parts", form(...Array.from({ length: 33 }, (): [string, string] => ["job", order()])), ""],
  ["a part that nobody knows", form(["file", audio()], ["job", order()], ["a/b", "c"]), "/a~1b"],
  ["an idempotency key with a blank", withHeader("Idempotency-Key", "a b"), "/headers/Idempotency-Key"],
];

const BAD_LISTS: [query: string, pointer: string][] = [
  ["status=done", "/query/status"],
  ["status=", "/query/status"],
  ["status=queued&status=failed", "/query/status"],
  ["status=constructor", "/query/status"],
  ["task=audio.magic", "/query/task"],
  ["created_after=yesterday", "/query/created_after"],
  ["created_after=2026-01-01", "/query/created_after"],
  ["created_after=2026-13-01T00:00:00Z", "/query/created_after"],
  ["created_before=0000-01-01T00:00:00Z", "/query/created_before"],
  ["created_before=9999-12-31T23:59:59-23:59", "/query/created_before"],
  ["limit=0", "/query/limit"],
  ["limit=101", "/query/limit"],
  ["limit=-1", "/query/limit"],
  ["limit=1.5", "/query/limit"],
  ["limit=1e2", "/query/limit"],
  ["limit=ten", "/query/limit"],
  ["limit=", "/query/limit"],
  ["limit=1&limit=2", "/query/limit"],
  ["cursor=", "/query/cursor"],
  ["cursor=x", "/query/cursor"],
  ["cursor=%00", "/query/cursor"],
  ["cursor=%ff", "/query/cursor"],
  ["cursor=bnVsbA", "/query/cursor"],
  [`cursor=${"A".repeat(1025)}`, "/query/cursor"],
  ["metadata=a", "/query/metadata"],
  ["metadata[]=a", "/query/metadata[]"],
  ["metadata[a=b", "/query/metadata[a"],
  ["metadata.a=b", "/query/metadata.a"],
  ["metadata[a]=b%00c", "/query/metadata[a]"],
  ["metadata[a%00]=b", "/query/metadata[a\0]"],
  ["metadata[a]=b&metadata[a]=c", "/query/metadata[a]"],
  [`metadata[a]=${"x".repeat(513)}`, "/query/metadata[a]"],
  [`metadata[${"x".repeat(65)}]=a`, `/query/metadata[${"x".repeat(65)}]`],
  [Array.from({ length: 17 }, (_, index) => `metadata[k${index}]=v`).join("&"), "/query/metadata"],
  ["offset=3", "/query/offset"],
  ["constructor=3", "/query/constructor"],
];

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** A problem of the closed list, in its whole form, that points at the fault. */
async function expectRefusal(
  response: Response,
  { pointer, status }: { pointer: string | null; status: number },
) {
  const problem = (await response.json()) as ProblemDetails;
  expect(response.status, JSON.stringify(problem)).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(problem).toMatchObject({ status, request_id: response.headers.get("X-Request-Id") });
  expect(problem.type).toBe(`urn:earshot:problem:${problem.code}`);
  expect(JSON.stringify(problem).length).toBeLessThan(32_000);
  if (pointer === null) return;
  const pointers = (problem.errors ?? []).map((error) => error.pointer);
  expect(pointers).toContain(pointer);
}

describe("POST /v1/jobs refuses", () => {
  test.for(BAD_JOBS)("%s", async ([, request, pointer, status = 400]) => {
    await expectRefusal(await api.send("POST", "/v1/jobs", request), { pointer, status });
  });
});

describe("POST /v1/jobs refuses as a form", () => {
  test.for(BAD_FORMS)("%s", async ([, request, pointer, status = 400]) => {
    await expectRefusal(await api.send("POST", "/v1/jobs", request), { pointer, status });
  });
});

describe("GET /v1/jobs refuses", () => {
  test.for(BAD_LISTS)("?%s", async ([query, pointer]) => {
    await expectRefusal(await api.send("GET", `/v1/jobs?${query}`), { pointer, status: 400 });
  });

  test("what is no name of a parameter, without an error of ours", async () => {
    for (const query of ["__proto__=1", "__proto__[a]=1", "%", "[", "=", "&&", "metadata[__proto__]=1"]) {
      expect((await api.send("GET", `/v1/jobs?${query}`)).status, query).toBeLessThan(500);
    }
  });
});

describe("POST /v1/uploads refuses", () => {
  test.for(BAD_UPLOADS)("%s", async ([, request, pointer, status = 400]) => {
    await expectRefusal(await api.send("POST", "/v1/uploads", request), { pointer, status });
  });
});

test("the request of these tables is accepted when nothing is wrong with it", async () => {
  expect((await api.send("POST", "/v1/jobs", job({}))).status).toBe(202);
  expect((await api.send("POST", "/v1/uploads", { json: UPLOAD })).status).toBe(201);
  expect((await api.send("POST", "/v1/jobs", form(["file", audio()], ["job", order()]))).status).toBe(202);
  expect((await api.send("GET", "/v1/jobs?limit=100&metadata[a]=b&status=queued")).status).toBe(200);
});

test.for(["?wait=31", "?wait=-1", "?wait=x", "?wait=", "?wait=1.5", "?wait=1&wait=2", "?wiat=1"])(
  "GET /v1/jobs/{id}%s is refused",
  async (query) => {
    const response = await api.send("GET", `/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV${query}`);
    const pointer = query.startsWith("?wiat") ? "/query/wiat" : "/query/wait";
    await expectRefusal(response, { pointer, status: 400 });
  },
);

test.for([
  "/v1/jobs/%00",
  "/v1/jobs/job_x",
  "/v1/jobs/%ff",
  "/v1/jobs/job_%F0%9F%8E%B5",
  "/v1/nothing",
  "/nothing",
  "/v1/jobs/",
  "/v1/models/",
  "/v1/models/constructor",
  "/v1/models/%00",
])("GET %s is a 404", async (path) => {
  await expectRefusal(await api.send("GET", path), { pointer: null, status: 404 });
});

test("no refusal of this file was an error of ours", () => {
  expect(api.logged.filter(({ level }) => level === "error")).toEqual([]);
});

import { createHash } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { claimAndFinish } from "../../../test/worker-stand-in.ts";
import { createApp } from "../../app.ts";
import { serve } from "../../serve.node.ts";
import type { JobBody } from "./job-body.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const AUDIO = "RIFF....WAVE and then some sound";
const ORDER = { tasks: ["audio.features"], metadata: { album: "Kid A" } };

interface Parts {
  content?: string | Uint8Array<ArrayBuffer>;
  name?: string;
  job?: string | Blob;
}

function formOf({ content = AUDIO, name = "a.wav", job = JSON.stringify(ORDER) }: Parts = {}): FormData {
  const form = new FormData();
  form.append("file", new File([content], name, { type: "audio/wav" }));
  if (typeof job === "string") form.append("job", job);
  else form.append("job", job, "job.json");
  return form;
}

interface Sending {
  headers?: Record<string, string>;
  as?: Caller;
  via?: typeof api.app;
}

function submit(form: FormData, { headers, ...options }: Sending = {}): Promise<Response> {
  const { body, headers: own } = new Response(form);
  const all = { "Content-Type": own.get("Content-Type"), ...headers };
  return api.send("POST", "/v1/jobs", { body: body ?? "", headers: all, ...options });
}

const uploadOf = async (jobId: string) => {
  const [row] = await api.owner.sql`
    select u.* from uploads u join jobs j on j.upload_id = u.id where j.id = ${jobId}`;
  return row;
};

const count = async (table: "jobs" | "uploads") =>
  Number((await api.owner.sql`select count(*) from ${api.owner.sql(table)}`)[0]?.count);

test("one request brings the file and makes the job", async () => {
  const response = await submit(formOf());
  const body = await bodyOf<JobBody>(response);
  expect(response.status).toBe(202);
  expect(response.headers.get("Location")).toBe(`/v1/jobs/${body.id}`);
  expect(body).toMatchObject({
    status: "queued",
    metadata: ORDER.metadata,
    tasks: [{ task: "audio.features" }],
  });
  expect(api.rung.at(-1)).toMatchObject({ jobId: body.id });
  const upload = await uploadOf(body.id);
  expect(upload).toMatchObject({
    account_id: api.caller.accountId,
    status: "complete",
    filename: "a.wav",
    content_type: "audio/wav",
    size_bytes: String(AUDIO.length),
    sha256: createHash("sha256").update(AUDIO).digest("hex"),
  });
  expect(await new Response(await api.deps.blobs.read(upload?.blob_key)).text()).toBe(AUDIO);
});

test("every byte of a file arrives as it is, and the job may be a file too", async () => {
  const content = Uint8Array.from({ length: 3 * 1024 ** 2 }, (_, index) => (index * 7 + (index >> 8)) % 256);
  content.set(new TextEncoder().encode("fLaC"));
  content.set(new TextEncoder().encode("\r\n--boundary--\r\n"), 1_000);
  const job = new Blob([JSON.stringify(ORDER)], { type: "application/json" });
  const { id } = await bodyOf(await submit(formOf({ content, job })));
  const upload = await uploadOf(id);
  const stored = await new Response(await api.deps.blobs.read(upload?.blob_key)).bytes();
  expect(Buffer.from(stored).equals(content)).toBe(true);
});

test("a file of exactly 25 MiB is taken", async () => {
  const content = new Uint8Array(25 * 1024 ** 2);
  content.set(new TextEncoder().encode("fLaC"));
  expect((await submit(formOf({ content }))).status).toBe(202);
});

test("a filename is kept without what would forge a line", async () => {
  const { id } = await bodyOf(await submit(formOf({ name: `naïve\u0000\u001b[2J ${"x".repeat(300)}.wav` })));
  const filename = (await uploadOf(id))?.filename;
  expect(filename.startsWith("naïve[2J xxx")).toBe(true);
  expect(filename).toHaveLength(255);
});

test("a repeat under one key makes one job and stores the file once, whatever its boundary", async () => {
  const headers = { "Idempotency-Key": "form" };
  const first = await submit(formOf(), { headers });
  const bytes = await first.text();
  const before = [await count("jobs"), await count("uploads")];
  const second = await submit(formOf(), { headers });
  expect([second.status, second.headers.get("Idempotent-Replayed")]).toEqual([202, "true"]);
  expect(await second.text()).toBe(bytes);
  expect([await count("jobs"), await count("uploads")]).toEqual(before);
  for (const other of [
    { content: `${AUDIO}.` },
    { name: "b.wav" },
    { job: '{"tasks":["speech.segments"]}' },
  ]) {
    const refusal = await refusalOf(await submit(formOf(other), { headers }));
    expect(refusal).toMatchObject({ status: 422, code: "idempotency_key_reused" });
  }
  // A key is the account's own.
  const stranger = await submit(formOf(), { headers, as: await api.addCaller() });
  expect([stranger.status, stranger.headers.get("Idempotent-Replayed")]).toEqual([202, null]);
});

test("two at once under one key make one job", async () => {
  const before = await count("jobs");
  const headers = { "Idempotency-Key": "form-at-once" };
  const both = await Promise.all([1, 2].map(() => submit(formOf(), { headers })));
  expect(both.map(({ status }) => status)).toContain(202);
  expect(await count("jobs")).toBe(before + 1);
});

test("Prefer: wait answers with the job as it ended", async () => {
  const bell = { ring: async ({ jobId }: { jobId: string }) => claimAndFinish(api.owner.db, jobId) };
  const via = createApp({ ...api.deps, bell });
  const response = await submit(formOf(), { headers: { Prefer: "wait=20" }, via });
  expect(await response.json()).toMatchObject({ status: "succeeded" });
});

test("a form that is refused leaves no file and no row", async () => {
  const before = await count("uploads");
  expect((await submit(formOf({ job: '{"tasks":[]}' }))).status).toBe(400);
  expect((await submit(formOf({ content: "%PDF-1.7" }))).status).toBe(422);
  expect(await count("uploads")).toBe(before);
});

test("a streamed form is cut at the limit, and no other route takes as much", async () => {
  const server = await serve(api.app, { host: "127.0.0.1", port: 0 });
  const post = async (path: string, mebibytes: number) => {
    const headers = {
      Authorization: `Bearer ${api.caller.key}`,
      "Content-Type": "multipart/form-data; boundary=x",
      "Transfer-Encoding": "chunked",
    };
    const to = { host: "127.0.0.1", port: server.port, path, method: "POST", headers };
    const outgoing = request({ ...to, agent: false });
    // The server stops reading where it refuses; what was still to be sent finds the line cut.
    outgoing.on("error", () => {});
    const answered = once(outgoing, "response");
    for (let sent = 0; sent < mebibytes; sent++) outgoing.write(Buffer.alloc(1024 ** 2, "-"));
    outgoing.end();
    const [answer] = await answered;
    return { status: answer.statusCode, problem: JSON.parse(await text(answer)) };
  };
  try {
    expect(await post("/v1/jobs", 27)).toMatchObject({ status: 413, problem: { code: "body_too_large" } });
    expect(await post("/v1/jobs", 25)).toMatchObject({ status: 400, problem: { code: "validation_failed" } });
    expect(await post("/v1/uploads", 2)).toMatchObject({ status: 413 });
  } finally {
    await server.stop({ withinMs: 1_000 });
  }
});

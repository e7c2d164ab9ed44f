import { afterAll, beforeAll, expect, test } from "vitest";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { unseal } from "@earshot/shared/crypto/seal";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { startTestQueue } from "@earshot/testkit/queue";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { claimAndFinish } from "../../../test/worker-stand-in.ts";
import { createApp } from "../../app.ts";
import type { JobBody } from "./job-body.ts";

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const submit = (json: unknown, headers: Record<string, string> = {}, via = api.app) =>
  api.send("POST", "/v1/jobs", { json, headers, via });

const countJobs = async () => Number((await api.owner.sql`select count(*) from jobs`)[0]?.count);

test("a job is accepted with its place, and the bell rings for it", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const response = await submit(
    { ...JOB, metadata: { album: "Kid A" } },
    { traceparent, "X-Request-Id": "request-0001" },
  );
  const body = await bodyOf(response);
  expect(response.status).toBe(202);
  expect(response.headers.get("Location")).toBe(`/v1/jobs/${body.id}`);
  expect(response.headers.get("X-Request-Id")).toBe("request-0001");
  const hop = expect.stringMatching(
    /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
  );
  expect(api.rung.at(-1)).toEqual({ v: 1, jobId: body.id, traceparent: hop });
  expect(body).toEqual({
    id: expect.stringMatching(/^job_[0-9A-Z]{26}$/),
    status: "queued",
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    started_at: null,
    finished_at: null,
    expires_at: null,
    attempt: 0,
    retried_from: null,
    input: null,
    progress: null,
    tasks: [{ task: "audio.features", status: "queued", model: null, version: null, error: null }],
    usage: { audio_seconds: null, queue_seconds: null, compute_seconds: null, device: null },
    error: null,
    metadata: { album: "Kid A" },
    webhook: null,
    links: {
      self: `/v1/jobs/${body.id}`,
      result: `/v1/jobs/${body.id}/result`,
      cancel: `/v1/jobs/${body.id}/cancel`,
    },
  });
});

test("a webhook's secret is sealed for its job and never shown", async () => {
  const secret = newWebhookSecret();
  const webhook = { url: "https://example.com/hook", secret, events: ["job.started", "job.failed"] };
  const text = await (await submit({ ...JOB, webhook })).text();
  const job = JSON.parse(text);
  expect(text).not.toContain(secret.slice(6));
  expect(job.webhook).toMatchObject({ url: webhook.url, events: webhook.events, status: null, attempts: 0 });
  const [row] = await api.owner.sql`select webhook_secret_sealed as sealed from jobs where id = ${job.id}`;
  expect(row?.sealed).not.toContain(secret.slice(6));
  expect(await unseal(api.deps.sealKeys, row?.sealed, job.id)).toBe(secret);
});

test("what the request asks for is what the worker reads", async () => {
  const request = {
    ...JOB,
    tasks: ["speech.segments", "audio.features"],
    options: { "speech.segments": { threshold: 0.7 } },
    retention: 3600,
    timeout_seconds: 60,
    queue_deadline_seconds: 120,
    priority: "high",
    metadata: { constructor: "a plain name", toString: "too" },
  };
  const { id, metadata } = await bodyOf<JobBody>(await submit(request));
  const [row] = await api.owner.sql`
    select *, to_json(tasks) as tasks, extract(epoch from queue_deadline_at - created_at)::int as deadline from jobs where id = ${id}`;
  expect(row).toMatchObject({
    tasks: request.tasks,
    retention_seconds: 3600,
    timeout_seconds: 60,
    priority: 1,
    deadline: 120,
  });
  expect(row?.options["speech.segments"]).toMatchObject({ threshold: 0.7, probabilities: false });
  expect(metadata).toEqual(request.metadata);
});

test("two requests at once under one idempotency key make one job", async () => {
  const before = await countJobs();
  const both = await Promise.all([1, 2].map(() => submit(JOB, { "Idempotency-Key": "at-once" })));
  const statuses = both.map(({ status }) => status).toSorted();
  expect(await countJobs()).toBe(before + 1);
  // The second came while the first was under way, or just after it.
  expect([
    [202, 202],
    [202, 409],
  ]).toContainEqual(statuses);
});

test("a request whose twin is under way is told to come back", async () => {
  const { sql } = api.owner;
  const lock = `${api.caller.accountId} POST /v1/jobs under-way`;
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`;
    const response = await submit(JOB, { "Idempotency-Key": "under-way" });
    expect(response.status).toBe(409);
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await response.json()).toMatchObject({ code: "idempotency_in_flight" });
  });
});

test("a repeat gets the bytes of the first answer, even when the job has gone on", async () => {
  const headers = { "Idempotency-Key": "repeat" };
  const first = await submit(JOB, headers);
  const bytes = await first.text();
  await claimAndFinish(api.owner.db, JSON.parse(bytes).id);
  const rings = api.rung.length;
  const second = await submit(JOB, headers);
  expect(second.status).toBe(202);
  expect(second.headers.get("Idempotent-Replayed")).toBe("true");
  expect(second.headers.get("Location")).toBe(first.headers.get("Location"));
  expect(await second.text()).toBe(bytes);
  expect(first.headers.get("Idempotent-Replayed")).toBeNull();
  expect(api.rung).toHaveLength(rings);
});

test("a key that was used with other bytes is refused, and belongs to its account alone", async () => {
  const headers = { "Idempotency-Key": "reused" };
  await submit(JOB, headers);
  const other = await api.send("POST", "/v1/jobs", {
    body: JSON.stringify(JOB, null, 1),
    headers: { ...headers, "Content-Type": "application/json" },
  });
  expect(await refusalOf(other)).toMatchObject({ status: 422, code: "idempotency_key_reused" });
  const stranger = await api.send("POST", "/v1/jobs", { json: JOB, headers, as: await api.addCaller() });
  expect([stranger.status, stranger.headers.get("Idempotent-Replayed")]).toEqual([202, null]);
});

test("a broken bell costs nothing but a line in the log", async () => {
  const bell = { ring: () => Promise.reject(new Error("no queue")) };
  const response = await submit(JOB, {}, createApp({ ...api.deps, bell }));
  expect(response.status).toBe(202);
  expect(api.logged).toContainEqual(
    expect.objectContaining({ event: "bell_failed", error: "Error: no queue" }),
  );
});

test("the answer does not wait for the bell, which is told of a job that is there", async () => {
  const rung = Promise.withResolvers<string>();
  const bell = {
    ring({ jobId }: { jobId: string }) {
      rung.resolve(jobId);
      return new Promise<void>(() => {});
    },
  };
  const before = await countJobs();
  const response = await submit(JOB, {}, createApp({ ...api.deps, bell }));
  expect(response.status).toBe(202);
  expect((await bodyOf(response)).id).toBe(await rung.promise);
  expect(await countJobs()).toBe(before + 1);
});

test("a real queue carries the message to a worker", async () => {
  await using queue = await startTestQueue();
  const bell = new JobQueue({ url: queue.url, endpoint: queue.endpoint });
  const response = await submit(JOB, {}, createApp({ ...api.deps, bell }));
  const { id } = await bodyOf(response);
  const [received] = await bell.receive({ maxMessages: 1, waitSeconds: 5 });
  expect(received?.message?.jobId).toBe(id);
  bell.close();
});

test("Prefer: wait answers 202 with the job as it ended", async () => {
  const bell = { ring: async ({ jobId }: { jobId: string }) => claimAndFinish(api.owner.db, jobId) };
  const response = await submit(JOB, { Prefer: "respond-async, wait=20" }, createApp({ ...api.deps, bell }));
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ status: "succeeded", tasks: [{ status: "succeeded" }] });
});

test("an upload of another account, or none, is unknown", async () => {
  const announced = await api.send("POST", "/v1/uploads", {
    json: { filename: "a.wav", content_type: "audio/wav", size: 4 },
  });
  const { id } = await bodyOf(announced);
  for (const uploadId of [id, "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"]) {
    const response = await api.send("POST", "/v1/jobs", {
      json: { ...JOB, input: { upload_id: uploadId } },
      as: await api.addCaller(),
    });
    expect(await response.json()).toMatchObject({ status: 404, errors: [{ pointer: "/input/upload_id" }] });
  }
});

test("http is for loopback, and only where the configuration allows it", async () => {
  const local = { ...JOB, input: { url: "http://127.0.0.1:9/a.wav" } };
  expect((await submit(local)).status).toBe(400);
  const app = createApp({ ...api.deps, allowLoopback: true });
  expect((await submit(local, {}, app)).status).toBe(202);
  expect((await submit({ ...JOB, input: { url: "http://example.com/a.wav" } }, {}, app)).status).toBe(400);
});

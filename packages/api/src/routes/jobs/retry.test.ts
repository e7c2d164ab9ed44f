import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { unseal } from "@earshot/shared/crypto/seal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { claim, claimAndFinish } from "../../../test/worker-stand-in.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

async function submitted(fields: object = {}): Promise<string> {
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json: { ...JOB, ...fields } }))).id;
}

async function ended(fields: object = {}): Promise<string> {
  const id = await submitted(fields);
  await claimAndFinish(api.owner.db, id);
  return id;
}

const retry = (id: string, headers: Record<string, string> = {}) =>
  api.send("POST", `/v1/jobs/${id}/retry`, { headers });

const ordered = (id: string) => api.owner.sql`
  select account_id, priority, upload_id, input_url, tasks, options, metadata, webhook_url, webhook_events,
    timeout_seconds, retention_seconds, queue_deadline_at - created_at as deadline from jobs where id = ${id}`;

test("a retry is a new job that was ordered like the old one", async () => {
  const secret = newWebhookSecret();
  const old = await ended({
    tasks: ["speech.segments", "audio.features"],
    options: { "speech.segments": { threshold: 0.7 } },
    metadata: { album: "Kid A" },
    webhook: { url: "https://example.com/hook", secret, events: ["job.succeeded"] },
    retention: 3600,
    timeout_seconds: 60,
    queue_deadline_seconds: 120,
    priority: "high",
  });
  const response = await retry(old);
  const body = await bodyOf(response);
  expect(response.status).toBe(202);
  expect(response.headers.get("Location")).toBe(`/v1/jobs/${body.id}`);
  expect(body).toMatchObject({
    status: "queued",
    attempt: 0,
    retried_from: old,
    metadata: { album: "Kid A" },
  });
  expect(body.id).not.toBe(old);
  expect(await ordered(body.id)).toEqual(await ordered(old));
  expect(api.rung.at(-1)).toMatchObject({ jobId: body.id });
  const [row] = await api.owner.sql`select webhook_secret_sealed as sealed from jobs where id = ${body.id}`;
  expect(await unseal(api.deps.sealKeys, row?.sealed, body.id)).toBe(secret);
  expect(await bodyOf(await api.send("GET", `/v1/jobs/${old}`))).toMatchObject({
    status: "succeeded",
    retried_from: null,
  });
});

test("a repeat under one key makes one job, even when the old one was deleted since", async () => {
  const old = await ended();
  const headers = { "Idempotency-Key": "again" };
  const first = await retry(old, headers);
  const bytes = await first.text();
  await api.send("DELETE", `/v1/jobs/${old}`);
  const second = await retry(old, headers);
  expect([second.status, second.headers.get("Idempotent-Replayed")]).toEqual([202, "true"]);
  expect(await second.text()).toBe(bytes);
  // The key is one of this job's retry alone.
  expect((await retry(await ended(), headers)).headers.get("Idempotent-Replayed")).toBeNull();
});

test("a job that has not ended cannot be retried", async () => {
  const id = await submitted();
  expect(await refusalOf(await retry(id))).toMatchObject({ status: 409, code: "conflict" });
  await claim(api.owner.db, id);
  expect(await refusalOf(await retry(id))).toMatchObject({ status: 409, code: "conflict" });
});

test("a deleted job is gone", async () => {
  const id = await ended();
  await api.send("DELETE", `/v1/jobs/${id}`);
  expect(await refusalOf(await retry(id))).toMatchObject({ status: 410, code: "gone" });
});

test("a job whose upload is not kept any more says so", async () => {
  const upload = await api.send("POST", "/v1/uploads", {
    json: { filename: "a.wav", content_type: "audio/wav", size: 12 },
  });
  const { id: uploadId } = await bodyOf(upload);
  await api.deps.blobs.write(`uploads/${uploadId}`, new Blob(["RIFF\x04\0\0\0WAVE"]).stream());
  const id = await ended({ input: { upload_id: uploadId } });
  expect((await retry(id)).status).toBe(202);
  await api.owner.sql`update uploads set deleted_at = now() where id = ${uploadId}`;
  expect(await bodyOf(await retry(id))).toMatchObject({
    status: 409,
    code: "conflict",
    detail: expect.stringContaining("upload"),
  });
});

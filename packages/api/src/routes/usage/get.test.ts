import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { claimAndFinish } from "../../../test/worker-stand-in.ts";
import { createApp } from "../../app.ts";
import { RATE_LIMITS } from "../../rate-limits/rate-limits.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const UPLOAD = { filename: "a.wav", content_type: "audio/wav", size: 1000 };
const submit = (as: Caller) => api.send("POST", "/v1/jobs", { json: JOB, as });
const month = new Date().toISOString().slice(0, 7);

test("what was submitted, uploaded and analysed is summed by month", async () => {
  const as = await api.addCaller();
  await submit(as);
  await claimAndFinish(api.owner.db, (await bodyOf(await submit(as))).id);
  await api.send("POST", "/v1/uploads", { json: UPLOAD, as });
  expect(await bodyOf(await api.send("GET", "/v1/usage", { as }))).toEqual({
    month,
    jobs: 2,
    uploads: 1,
    upload_bytes: 1000,
    audio_seconds: 2,
    compute_seconds: 0.25,
    queued_jobs: 1,
  });
  const before = await bodyOf(await api.send("GET", "/v1/usage?month=2025-01", { as }));
  expect(before).toMatchObject({ month: "2025-01", jobs: 0, audio_seconds: 0, queued_jobs: 1 });
});

test.for(["2026-13", "26-01", "2026", "2026-01-01", ""])("month=%s is no month", async (text) => {
  expect(await refusalOf(await api.send("GET", `/v1/usage?month=${text}`))).toMatchObject({
    status: 400,
    pointers: ["/query/month"],
  });
});

test("limits say what may be asked, had and used", async () => {
  const as = await api.addCaller();
  await submit(as);
  await api.owner.sql`update accounts set max_upload_bytes_per_month = 5000 where id = ${as.accountId}`;
  await api.owner.sql`update api_keys set requests_per_minute = 30 where account_id = ${as.accountId}`;
  const via = createApp({ ...api.deps, rateLimits: RATE_LIMITS });
  expect(await bodyOf(await api.send("GET", "/v1/limits", { as, via }))).toMatchObject({
    rates: [
      { name: "req", limit: 600, window_seconds: 60 },
      { name: "read" },
      { name: "write", limit: 300 },
      { name: "submit", limit: 600 },
      { name: "key", limit: 30 },
    ],
    quotas: {
      queued_jobs: { limit: 100_000, used: 1 },
      upload_bytes_per_month: { limit: 5000, used: 0 },
      audio_seconds_per_month: { limit: null, used: 0 },
    },
    caps: { audio_seconds: 14_400, input_bytes: 2 * 1024 ** 3 },
  });
});

test("a quota that is used up refuses with its name's explanation, and says when to come back", async () => {
  const as = await api.addCaller();
  await api.owner.sql`
    update accounts set max_queued_jobs = 1, max_upload_bytes_per_month = 999 where id = ${as.accountId}`;
  const { id } = await bodyOf(await submit(as));
  const refused = await submit(as);
  expect(refused.headers.get("Retry-After")).toBe("60");
  expect(await bodyOf(refused)).toMatchObject({
    status: 429,
    code: "quota_exceeded",
    detail: "The account has as many queued jobs as it may.",
  });
  const upload = await api.send("POST", "/v1/uploads", { json: UPLOAD, as });
  expect(Number(upload.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(await refusalOf(upload)).toEqual({ status: 429, code: "quota_exceeded", pointers: [] });
  await api.send("POST", `/v1/jobs/${id}/cancel`, { as });
  expect((await submit(as)).status).toBe(202);
});

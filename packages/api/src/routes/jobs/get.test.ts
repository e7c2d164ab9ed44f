import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { claim, claimAndFinish, finish } from "../../../test/worker-stand-in.ts";
import { createApp } from "../../app.ts";
import { serve } from "../../serve.node.ts";
import { watchJobs } from "../../watch-jobs.node.ts";
import type { JobBody } from "./job-body.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

async function submitted(tasks = ["audio.features"]): Promise<string> {
  const json = { input: { url: "https://example.com/a.wav" }, tasks };
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json }))).id;
}

const get = (id: string, query = "", headers: Record<string, string> = {}) =>
  api.send("GET", `/v1/jobs/${id}${query}`, { headers });

test("a job under way shows its progress, and its tasks are where it is", async () => {
  const id = await submitted(["speech.segments", "audio.features"]);
  await claim(api.owner.db, id);
  const response = await get(id);
  expect(response.headers.get("Retry-After")).toBe("1");
  expect(await bodyOf<JobBody>(response)).toMatchObject({
    status: "running",
    attempt: 1,
    progress: { stage: "claimed", fraction: 0 },
    tasks: [
      { task: "speech.segments", status: "running" },
      { task: "audio.features", status: "running" },
    ],
  });
});

test("an ended job shows what was found out about it", async () => {
  const id = await submitted();
  await claimAndFinish(api.owner.db, id);
  const response = await get(id);
  const job = await bodyOf<JobBody>(response);
  expect(response.headers.get("Retry-After")).toBeNull();
  expect(job).toMatchObject({
    status: "succeeded",
    progress: null,
    input: { duration_seconds: 2, sample_rate: 16_000 },
    tasks: [{ task: "audio.features", status: "succeeded", version: "1", error: null }],
    usage: { audio_seconds: 2, compute_seconds: 0.25, device: "cpu" },
  });
  expect(job.usage.queue_seconds).toBeGreaterThanOrEqual(0);
  expect(Date.parse(job.expires_at ?? "")).toBeGreaterThan(Date.parse(job.finished_at ?? ""));
});

test("a failed job says why", async () => {
  const id = await submitted();
  const error = {
    code: "input_too_short",
    message: "The audio is too short.",
    detail: { seconds: 0.1 },
  } as const;
  await claimAndFinish(api.owner.db, id, { status: "failed", results: [], input: null, error });
  expect(await bodyOf<JobBody>(await get(id))).toMatchObject({
    status: "failed",
    error,
    tasks: [{ status: "failed" }],
  });
});

test("a job that has not changed is not sent again", async () => {
  const id = await submitted();
  const etag = (await get(id)).headers.get("ETag") ?? "";
  expect(etag).toMatch(/^"[0-9a-f]+"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const response = await get(id, "", { "If-None-Match": known });
    expect([response.status, await response.text(), response.headers.get("ETag")]).toEqual([304, "", etag]);
  }
  await claim(api.owner.db, id);
  expect((await get(id, "", { "If-None-Match": etag })).status).toBe(200);
});

test("a wait ends when the job does", async () => {
  const id = await submitted();
  const lease = await claim(api.owner.db, id);
  const waiting = get(id, "?wait=30");
  await finish(api.owner.db, lease);
  expect(await bodyOf<JobBody>(await waiting)).toMatchObject({ status: "succeeded" });
});

test("a wait that is over answers with the job as it is", async () => {
  const id = await submitted();
  const startedAt = performance.now();
  expect(await bodyOf<JobBody>(await get(id, "?wait=1"))).toMatchObject({ status: "queued" });
  expect(performance.now() - startedAt).toBeGreaterThan(950);
});

test("a caller that goes away waits no longer", async () => {
  const id = await submitted();
  const watch = await watchJobs(api.owner);
  const server = await serve(createApp({ ...api.deps, watchJobs: watch }), { host: "127.0.0.1", port: 0 });
  const leaving = new AbortController();
  const answer = fetch(`http://127.0.0.1:${server.port}/v1/jobs/${id}?wait=30`, {
    headers: { Authorization: `Bearer ${api.caller.key}` },
    signal: leaving.signal,
  });
  await until(() => watch.followers === 1, { describe: "it waits" });
  leaving.abort();
  await expect(answer).rejects.toThrow("aborted");
  await until(() => watch.followers === 0, { timeoutMs: 5_000, describe: "it waits no longer" });
  await server.stop({ withinMs: 1_000 });
  await watch.close();
});

test("a deleted job is gone", async () => {
  const id = await submitted();
  await claimAndFinish(api.owner.db, id);
  await api.owner.sql`update jobs set deleted_at = now() where id = ${id}`;
  for (const path of ["", "?wait=5", "/result"]) {
    expect(await refusalOf(await get(id, path))).toMatchObject({ status: 410, code: "gone" });
  }
  const cancel = await api.send("POST", `/v1/jobs/${id}/cancel`);
  expect(await refusalOf(cancel)).toMatchObject({ status: 410, code: "gone" });
});

test("waiting while the job ends on every side loses no wake-up", async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => submitted()));
  const waiting = ids.map((id) => get(id, "?wait=30"));
  await Promise.all(ids.map((id) => claimAndFinish(api.owner.db, id)));
  const jobs = await Promise.all(waiting.map(async (response) => bodyOf<JobBody>(await response)));
  expect(jobs.every(({ status }) => status === "succeeded")).toBe(true);
});

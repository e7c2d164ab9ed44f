import { startReceiver } from "@earshot/testkit/receiver";
import { expect, test } from "vitest";
import { submitJob, waitForEnd } from "./jobs.ts";

const RETRY = { attempts: 3, firstPauseMs: 1, random: Math.random };
const never = new AbortController().signal;

function jobIn(status: string, stage?: string): string {
  const progress = stage === undefined ? null : { stage, fraction: 0.5 };
  return JSON.stringify({ id: "job_1", status, progress, error: null });
}

test("a submission that has to be repeated keeps its idempotency key, and another one gets another", async () => {
  await using api = await startReceiver();
  const accepted = { status: 202, body: jobIn("queued") };
  api.script({ status: 503 }, "reset", accepted, accepted);
  const connection = { url: api.url, key: "ek_1", retry: RETRY };
  const request = { input: { url: "https://example.com/a.mp3" }, tasks: ["speech.segments"] };
  expect(await submitJob(connection, request, never)).toMatchObject({ id: "job_1", status: "queued" });
  await submitJob(connection, request, never);
  const keys = api.requests.map(({ headers }) => headers["idempotency-key"]);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(keys[3]).not.toBe(keys[0]);
  expect(api.requests[0]).toMatchObject({ path: "/v1/jobs", headers: { authorization: "Bearer ek_1" } });
});

test("waiting goes on until the job has ended and shows what it sees", async () => {
  await using api = await startReceiver();
  api.script(
    { status: 200, body: jobIn("running", "decoding") },
    { status: 200, body: jobIn("running", "inferring") },
    { status: 200, body: jobIn("partial") },
  );
  const seen: string[] = [];
  const options = {
    pollSeconds: 1,
    onProgress: ({ status, progress }: { status: string; progress: { stage: string } | null }) =>
      void seen.push(progress?.stage ?? status),
  };
  const ended = await waitForEnd({ url: api.url, key: "ek", retry: RETRY }, "job_1", options, never);
  expect(ended.status).toBe("partial");
  expect(seen).toEqual(["decoding", "inferring", "partial"]);
});

test("what the API says of a bad request reaches the caller", async () => {
  await using api = await startReceiver();
  const errors = [{ pointer: "/tasks/0", code: "custom", detail: "There is no such task" }];
  const problem = {
    code: "validation_failed",
    title: "The request is not valid.",
    detail: "No such task.",
    request_id: "r1",
    errors,
  };
  api.script({ status: 400, body: JSON.stringify(problem) });
  const request = { input: { url: "https://example.com/a.mp3" }, tasks: ["no.task"] };
  await expect(submitJob({ url: api.url, key: "ek", retry: RETRY }, request, never)).rejects.toMatchObject({
    code: "validation_failed",
    message: "No such task.",
    detail: { status: 400, request_id: "r1", errors },
  });
});

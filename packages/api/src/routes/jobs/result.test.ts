import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { allTooShort, claim, claimAndFinish, inBlob, succeeded } from "../../../test/worker-stand-in.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

async function submitted(tasks = ["audio.features"]): Promise<string> {
  const json = { input: { url: "https://example.com/a.wav" }, tasks };
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json }))).id;
}

const result = (id: string) => api.send("GET", `/v1/jobs/${id}/result`);

test("results are the stored bytes, in the order of the tasks", async () => {
  const id = await submitted(["speech.segments", "audio.features"]);
  const first = '{"task":"speech.segments","status":"succeeded",  "b": 1.50,"a":[]}';
  const second = '{"task":"audio.features","status":"succeeded","name":"naïve"}';
  const results = [succeeded("speech.segments", first), succeeded("audio.features", second)];
  await claimAndFinish(api.owner.db, id, { results });
  const response = await result(id);
  const text = await response.text();
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "application/json"]);
  expect(text.endsWith(`,"results":[${first},${second}]}`)).toBe(true);
  expect(JSON.parse(text)).toMatchObject({
    job_id: id,
    input: { codec: "pcm_s16le" },
    results: [{ b: 1.5 }, {}],
  });
  expect(JSON.parse(text)).not.toHaveProperty("warnings");
});

test("a large result comes out of its blob, unzipped", async () => {
  const id = await submitted(["speech.segments", "audio.features"]);
  const segments = Array.from({ length: 9_000 }, (_, second) => ({ start: second, end: second + 0.5 }));
  const large = JSON.stringify({ task: "speech.segments", status: "succeeded", segments });
  const key = `results/${id}/1/speech.segments.json.gz`;
  await api.deps.blobs.write(key, new Blob([gzipSync(large)]).stream());
  const small = '{"task":"audio.features","status":"succeeded"}';
  const results = [inBlob("speech.segments", key), succeeded("audio.features", small)];
  await claimAndFinish(api.owner.db, id, { results, warnings: ["The file ends early."] });
  const text = await (await result(id)).text();
  expect(text.endsWith(`"warnings":["The file ends early."],"results":[${large},${small}]}`)).toBe(true);
});

test("a column of more than 3,600 points is thinned, wherever its result lies", async () => {
  const id = await submitted(["speech.segments", "audio.features"]);
  const long = (task: string) =>
    JSON.stringify({ task, status: "succeeded", probabilities: Array(7_201).fill(0.5) });
  const key = `results/${id}/1/long.json.gz`;
  await api.deps.blobs.write(key, new Blob([gzipSync(long("speech.segments"))]).stream());
  const results = [inBlob("speech.segments", key), succeeded("audio.features", long("audio.features"))];
  await claimAndFinish(api.owner.db, id, { results });
  const thinned = { status: "succeeded", hop_seconds: 0.096, probabilities: Array(2_401).fill(0.5) };
  expect(await bodyOf(await result(id))).toMatchObject({ results: [thinned, thinned] });
});

test("a job that has not ended has no result yet", async () => {
  const id = await submitted();
  for (const status of ["queued", "running"]) {
    if (status === "running") await claim(api.owner.db, id);
    const response = await result(id);
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await refusalOf(response)).toMatchObject({ status: 409, code: "conflict" });
  }
});

test("a job that failed without results says with what", async () => {
  const id = await submitted();
  const error = { code: "decode_failed", message: "The file is damaged." } as const;
  await claimAndFinish(api.owner.db, id, { status: "failed", results: [], error });
  const response = await result(id);
  expect(response.headers.get("Retry-After")).toBeNull();
  expect(await bodyOf(response)).toMatchObject({
    status: 409,
    detail: expect.stringContaining("decode_failed: The file is damaged."),
  });
});

test("results of tasks that all failed are shown", async () => {
  const id = await submitted();
  const body = '{"task":"audio.features","status":"failed","error":{"code":"input_too_short","message":""}}';
  await claimAndFinish(api.owner.db, id, allTooShort(body));
  expect(await bodyOf(await result(id))).toMatchObject({ results: [{ status: "failed" }] });
});

test("a result whose blob is lost is an error of ours, not half an answer", async () => {
  const id = await submitted();
  await claimAndFinish(api.owner.db, id, {
    results: [inBlob("audio.features", `results/${id}/1/lost.json.gz`)],
  });
  expect(await refusalOf(await result(id))).toMatchObject({ status: 500, code: "internal" });
});

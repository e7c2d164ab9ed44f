import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { allTooShort, claimAndFinish, inBlob, succeeded } from "../../../test/worker-stand-in.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

async function submitted(tasks = ["audio.features"]): Promise<string> {
  const json = { input: { url: "https://example.com/a.wav" }, tasks };
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json }))).id;
}

const result = (id: string, task: string, headers: Record<string, string> = {}) =>
  api.send("GET", `/v1/jobs/${id}/result/${task}`, { headers });

const LONG = JSON.stringify({
  task: "speech.segments",
  status: "succeeded",
  probabilities: Array(9_000).fill(0.5),
});

async function zipped(): Promise<{ id: string; bytes: Buffer }> {
  const id = await submitted(["speech.segments"]);
  const key = `results/${id}/1/speech.segments.json.gz`;
  const bytes = gzipSync(LONG);
  await api.deps.blobs.write(key, new Blob([bytes]).stream());
  await claimAndFinish(api.owner.db, id, { results: [inBlob("speech.segments", key)] });
  return { id, bytes };
}

test("a result is given with every point, as it is stored", async () => {
  const id = await submitted(["speech.segments", "audio.features"]);
  const text = LONG.replace(",", ",  ");
  const results = [succeeded("speech.segments", text), succeeded("audio.features", '{"a":1.50}')];
  await claimAndFinish(api.owner.db, id, { results });
  const response = await result(id, "speech.segments");
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "application/json"]);
  expect(await response.text()).toBe(text);
  expect(await (await result(id, "audio.features")).text()).toBe('{"a":1.50}');
});

test.for(["gzip", "br;q=1.0, gzip;q=0.8", "*", "GZIP"])(
  "a zipped result goes out as it lies to whoever accepts %s",
  async (accepted) => {
    const { id, bytes } = await zipped();
    const response = await result(id, "speech.segments", { "Accept-Encoding": accepted });
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get("Content-Encoding")).toBe("gzip");
    expect(response.headers.get("Vary")).toBe("Accept-Encoding");
    expect(response.headers.get("X-Request-Id")).toMatch(/^req_/);
    expect(body.equals(bytes)).toBe(true);
    expect(gunzipSync(body).toString()).toBe(LONG);
  },
);

test.for(["", "identity", "br", "gzip;q=0", "gzip;q=0, *"])(
  "it is unzipped for whoever accepts %o",
  async (accepted) => {
    const { id } = await zipped();
    const response = await result(id, "speech.segments", { "Accept-Encoding": accepted });
    expect(response.headers.get("Content-Encoding")).toBeNull();
    expect(await response.text()).toBe(LONG);
  },
);

test("a task that failed shows its error", async () => {
  const id = await submitted();
  const body = '{"task":"audio.features","status":"failed","error":{"code":"input_too_short","message":""}}';
  await claimAndFinish(api.owner.db, id, allTooShort(body));
  const response = await result(id, "audio.features");
  expect([response.status, await response.text()]).toEqual([200, body]);
});

test("a task that the job was not asked for, or that nobody knows, is not there", async () => {
  const id = await submitted();
  await claimAndFinish(api.owner.db, id);
  for (const task of ["speech.segments", "audio.magic", "constructor", "%00", "%ff", "..%2f"]) {
    expect(await refusalOf(await result(id, task)), task).toMatchObject({ status: 404, code: "not_found" });
  }
});

test("a job without results says why", async () => {
  const id = await submitted();
  const early = await result(id, "audio.features");
  expect(early.headers.get("Retry-After")).toBe("1");
  expect(await refusalOf(early)).toMatchObject({ status: 409, code: "conflict" });
  await api.send("POST", `/v1/jobs/${id}/cancel`);
  expect(await bodyOf(await result(id, "audio.features"))).toMatchObject({
    status: 409,
    detail: expect.stringContaining("canceled"),
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import type { ModelBody } from "./model-body.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const listed = async () =>
  (await bodyOf<{ data: ModelBody[] }>(await api.send("GET", "/v1/models"))).data.map(({ id }) => id);

const submit = (tasks: readonly string[]) =>
  api.send("POST", "/v1/jobs", { json: { input: { url: "https://example.com/a.wav" }, tasks } });

const countJobs = async () => Number((await api.owner.sql`select count(*) from jobs`)[0]?.count);

describe("an account with a list of models", () => {
  beforeEach(() => api.owner.sql`update accounts set allowed_models = '{silero_vad}'`);

  test("sees those alone", async () => {
    expect(await listed()).toEqual(["silero_vad"]);
    expect((await api.send("GET", "/v1/models/silero_vad")).status).toBe(200);
    expect((await api.send("GET", "/v1/models/msd-musicnn-1")).status).toBe(404);
  });

  test("may submit jobs for them, and is told of any other, of which nothing is kept", async () => {
    expect((await submit(["speech.segments", "audio.features"])).status).toBe(202);
    const before = await countJobs();
    const refused = await submit(["speech.segments", "music.mood"]);
    expect(refused.status).toBe(403);
    expect(await bodyOf(refused)).toMatchObject({
      code: "forbidden",
      detail: "This account may not use msd-musicnn-1, the model of music.mood.",
    });
    expect(await countJobs()).toBe(before);
  });
});

test("a model that is allowed brings those that only work with it", async () => {
  await api.owner.sql`update accounts set allowed_models = '{msd-musicnn-1}'`;
  expect(await listed()).toContain("mood_sad-msd-musicnn-1");
  expect(await listed()).not.toContain("silero_vad");
});

test("an account without a list may use every model", async () => {
  await api.owner.sql`update accounts set allowed_models = null`;
  expect(await listed()).toEqual(expect.arrayContaining(["silero_vad", "msd-musicnn-1"]));
  expect((await submit(["music.tags"])).status).toBe(202);
});

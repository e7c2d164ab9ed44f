import { newId } from "@earshot/shared/crypto/ids";
import type { NewTaskResult } from "@earshot/shared/db/jobs/finish-job";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { claimAndFinish, succeeded } from "../../../test/worker-stand-in.ts";

interface Answer {
  space: string;
  data: { job_id: string; score: number; metadata: Record<string, string>; tags: Record<string, string> }[];
}

const SPACE = "m@1";
const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["music.embedding"] };

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

interface Analysed {
  as: Caller;
  vec?: number[];
  spaces?: Record<string, number[]>;
  summaries?: Partial<Record<NewTaskResult["task"], Record<string, unknown>>>;
  metadata?: Record<string, string>;
}

const unit = (vec: readonly number[]) => vec.map((value) => value / Math.hypot(...vec));

/** A job that ended with these vectors and summaries. */
async function analysed({ as, vec, spaces, summaries = {}, metadata = {} }: Analysed): Promise<string> {
  const { id } = await bodyOf(await api.send("POST", "/v1/jobs", { json: { ...JOB, metadata }, as }));
  const results = Object.entries(summaries).map(([task, summary]) => ({
    ...succeeded(task as NewTaskResult["task"], "{}"),
    summary: summary ?? {},
  }));
  const vectors = spaces ?? (vec === undefined ? {} : { [SPACE]: vec });
  await claimAndFinish(api.owner.db, id, {
    results,
    embeddings: Object.entries(vectors).map(([space, values]) => ({ space, vec: unit(values) })),
  });
  return id;
}

const search = (as: Caller, json: object) => api.send("POST", "/v1/search/similar", { json, as });

async function found(as: Caller, json: object): Promise<string[]> {
  const response = await search(as, json);
  expect(response.status).toBe(200);
  return (await bodyOf<Answer>(response)).data.map(({ job_id: id }) => id);
}

test("the nearest come first with the cosine of their angle; the seed is not among them", async () => {
  const as = await api.addCaller();
  const seed = await analysed({ as, vec: [1, 0, 0] });
  const near = await analysed({ as, vec: [3, 4, 0], metadata: { title: "near" } });
  const opposite = await analysed({ as, vec: [-2, 0, 0] });
  const same = await analysed({ as, vec: [5, 0, 0] });
  const answer = await bodyOf<Answer>(await search(as, { job_id: seed }));
  expect(answer).toMatchObject({
    space: SPACE,
    exact: true,
    data: [
      { job_id: same, score: 1 },
      { job_id: near, score: 0.6, metadata: { title: "near" }, tags: {} },
      { job_id: opposite, score: -1 },
    ],
  });
  expect(await found(as, { job_id: seed, limit: 1 })).toEqual([same]);
  expect(await found(as, { vector: [0, 9, 0], space: SPACE, limit: 1 })).toEqual([near]);
});

test("of several seeds the mean of their directions counts, however long their vectors are, and none is found", async () => {
  const as = await api.addCaller();
  const seeds = [await analysed({ as, vec: [100, 0, 0] }), await analysed({ as, vec: [0, 1, 0] })];
  const between = await analysed({ as, vec: [1, 1, 0] });
  const towardsFirst = await analysed({ as, vec: [1, 0.2, 0] });
  expect(await found(as, { job_ids: [...seeds, ...seeds] })).toEqual([between, towardsFirst]);
  const opposite = await analysed({ as, vec: [-1, 0, 0] });
  const refused = await search(as, { job_ids: [seeds[0], opposite] });
  expect(await refusalOf(refused)).toMatchObject({ status: 400, code: "validation_failed" });
});

test("spaces are never compared: not what lies in another, not seeds of two, not a vector of another length", async () => {
  const as = await api.addCaller();
  const a = await analysed({ as, spaces: { a: [1, 0] } });
  const b = await analysed({ as, spaces: { b: [1, 0] } });
  const both = await analysed({ as, spaces: { a: [0, 1], b: [0, 1] } });
  expect(await found(as, { job_id: a })).toEqual([both]);
  expect(await found(as, { job_ids: [a, both] })).toEqual([]);
  expect(await found(as, { job_id: both, space: "b" })).toEqual([b]);
  for (const json of [{ job_ids: [a, b] }, { job_id: a, space: "b" }])
    expect(await refusalOf(await search(as, json))).toMatchObject({ status: 409, code: "conflict" });
  const unsaid = await bodyOf<object>(await search(as, { job_id: both }));
  expect(unsaid).toMatchObject({ status: 400, errors: [{ pointer: "/space" }] });
  const long = await bodyOf<object>(await search(as, { vector: [1, 0, 0], space: "a" }));
  expect(long).toMatchObject({ status: 400, errors: [{ pointer: "/vector" }] });
  expect(await found(as, { vector: [1, 0, 0], space: "nobody's" })).toEqual([]);
});

describe("filters come before the ranking:", () => {
  let as: Caller;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    as = await api.addCaller();
    // By how near they are, the nearest first.
    const songs = {
      rock: [120, "C", { rock: 0.9, jazz: 0.1 }, ["happy"]],
      jazz: [90, "A", { rock: 0.2, jazz: 0.8 }, ["sad", "relaxed"]],
      slow: [60, "C", { rock: 0.7, jazz: 0.3 }, []],
      other: [null, null, {}, []],
    } as const;
    for (const [i, [name, [tempo, key, scores, tags]]] of Object.entries(songs).entries()) {
      ids[name] = await analysed({
        as,
        vec: [1, i / 10],
        metadata: { shelf: name === "jazz" ? "b" : "a" },
        summaries: {
          "audio.features": tempo === null ? {} : { tempo_bpm: tempo, key },
          "music.tags": { scores },
          "music.mood": { tags: { regular: tags } },
        },
      });
    }
  });

  test.each<[string, object, string[]]>([
    ["none", {}, ["rock", "jazz", "slow", "other"]],
    ["a score", { results: { "music.tags": { "scores.rock": { min: 0.5 } } } }, ["rock", "slow"]],
    [
      "a range of tempo",
      { results: { "audio.features": { tempo_bpm: { min: 60, max: 90 } } } },
      ["jazz", "slow"],
    ],
    ["a key", { results: { "audio.features": { key: "C" } } }, ["rock", "slow"]],
    ["a tag in a list", { results: { "music.mood": { "tags.regular": "sad" } } }, ["jazz"]],
    [
      "of two tasks at once",
      { results: { "audio.features": { key: "C" }, "music.mood": { "tags.regular": "happy" } } },
      ["rock"],
    ],
    ["metadata", { metadata: { shelf: "a" } }, ["rock", "slow", "other"]],
    ["a time", { created_after: "2999-01-01T00:00:00Z" }, []],
    ["the other way", { created_before: "2999-01-01T00:00:00Z" }, ["rock", "jazz", "slow", "other"]],
    ["a range of what is no number", { results: { "audio.features": { key: { min: 0 } } } }, []],
    ["a field that nobody has", { results: { "audio.features": { 'no"$.*': true } } }, []],
    ["a task that did not run", { results: { "speech.segments": { speech_ratio: { min: 0 } } } }, []],
  ])("%s", async (_, filter, names) => {
    const query = { vector: [1, 0], space: SPACE, filter };
    expect(await found(as, query)).toEqual(names.map((name) => ids[name]));
    // The best of those that fit, not those that fit of the best.
    expect(await found(as, { ...query, limit: 1 })).toEqual(names.slice(0, 1).map((name) => ids[name]));
  });
});

test("another account's jobs are not there: neither as a seed nor to be found", async () => {
  const [mine, theirs] = [await api.addCaller(), await api.addCaller()];
  const hidden = await analysed({ as: theirs, vec: [1, 0] });
  const own = await analysed({ as: mine, vec: [1, 0.1] });
  expect(await found(mine, { vector: [1, 0], space: SPACE })).toEqual([own]);
  expect((await search(mine, { job_id: hidden })).status).toBe(404);
  expect((await search(mine, { job_ids: [own, hidden] })).status).toBe(404);
  expect((await search(mine, { job_id: newId("job") })).status).toBe(404);
});

test("a deleted job is gone as a seed and never found; one without a vector says which task makes one", async () => {
  const as = await api.addCaller();
  const seed = await analysed({ as, vec: [1, 0] });
  const deleted = await analysed({ as, vec: [1, 0] });
  expect((await api.send("DELETE", `/v1/jobs/${deleted}`, { as })).status).toBe(204);
  expect(await found(as, { job_id: seed })).toEqual([]);
  expect((await search(as, { job_id: deleted })).status).toBe(410);
  const bare = await analysed({ as });
  const refused = await bodyOf<object>(await search(as, { job_id: bare }));
  expect(refused).toMatchObject({
    status: 409,
    detail: expect.stringContaining("music.embedding") as string,
  });
});

test.each([
  ["no seed", {}],
  ["two kinds of seed", { job_id: newId("job"), vector: [1], space: "s" }],
  ["a vector without its space", { vector: [1] }],
  ["a vector of zeros", { vector: [0, 0], space: "s" }],
  ["a vector that is too long to be measured", { vector: [1.7e308, 1.7e308], space: "s" }],
  ["eleven seeds", { job_ids: Array.from({ length: 11 }, () => newId("job")) }],
  ["a limit beyond the most", { vector: [1], space: "s", limit: 101 }],
  [
    "an empty range",
    { vector: [1], space: "s", filter: { results: { "music.tags": { "scores.rock": {} } } } },
  ],
  ["a task that is none", { vector: [1], space: "s", filter: { results: { "music.noise": {} } } }],
  ["what JSON cannot hold", { vector: [1], space: "s", filter: { results: { "music.tags": { a: "\0" } } } }],
])("%s is refused", async (_, json) => {
  expect(await refusalOf(await search(api.caller, json))).toMatchObject({ status: 400 });
});

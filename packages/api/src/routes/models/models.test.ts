import { TASKS } from "@earshot/shared/domain/tasks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import type { ModelBody } from "./model-body.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const list = async () => (await bodyOf<{ data: ModelBody[] }>(await api.send("GET", "/v1/models"))).data;

test("every model of the catalog is listed with its tasks", async () => {
  const models = await list();
  for (const [task, { model: id }] of Object.entries(TASKS)) {
    if (id !== null) expect(models.find((model) => model.id === id)?.tasks, task).toContain(task);
  }
});

test("a model says whose it is, what it may be used for, and what its files are", async () => {
  for (const model of await list()) {
    expect(await bodyOf(await api.send("GET", `/v1/models/${model.id}`))).toEqual(model);
    expect(model.sha256).toBe(model.files[0]?.sha256);
    expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([model.licence, model.version]).not.toContain("");
  }
  expect(await bodyOf(await api.send("GET", "/v1/models/silero_vad"))).toMatchObject({
    version: "6.2",
    tasks: ["speech.segments"],
    licence: "MIT",
    requires_acceptance: false,
  });
});

test("labels come in the order of the model's output", async () => {
  const models = await list();
  const labelsOf = (id: string) => models.find((model) => model.id === id)?.labels;
  expect(labelsOf("msd-musicnn-1")).toHaveLength(50);
  expect(labelsOf("mood_happy-msd-musicnn-1")).toEqual(["happy", "non_happy"]);
  expect(labelsOf("mood_sad-msd-musicnn-1")).toEqual(["non_sad", "sad"]);
  expect(labelsOf("silero_vad")).toEqual([]);
});

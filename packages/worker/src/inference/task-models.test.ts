import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRegistry } from "./registry.ts";
import { findDefaultTasks, findTaskGaps, modelsOfTask, tasksOfModel, withNeeds } from "./task-models.ts";

const { models, find } = createRegistry();

let modelsDir: string;
beforeEach(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), "earshot-tasks-"));
});
afterEach(() => rm(modelsDir, { recursive: true }));

const put = (ids: readonly string[]) =>
  Promise.all(ids.map((id) => writeFile(join(modelsDir, `${id}.onnx`), "weights")));

test("music.mood runs its nine heads and the model that they need; music.embedding that one alone", () => {
  const mood = modelsOfTask("music.mood", models).map(({ id }) => id);
  expect(mood).toHaveLength(10);
  expect(mood[0]).toBe("msd-musicnn-1");
  expect(modelsOfTask("music.embedding", models).map(({ id }) => id)).toEqual(["msd-musicnn-1"]);
  expect(modelsOfTask("audio.features", models)).toEqual([]);
});

test("a head needs its model, and its model serves all music tasks", () => {
  const head = find("gender-msd-musicnn-1");
  expect(withNeeds([head], models).map(({ id }) => id)).toEqual(["msd-musicnn-1", "gender-msd-musicnn-1"]);
  expect(tasksOfModel(find("msd-musicnn-1"), models)).toEqual([
    "music.tags",
    "music.mood",
    "music.embedding",
  ]);
});

test("the default tasks are those of a fresh install, and each whose last model has come", async () => {
  const fresh = ["audio.features", "speech.segments"];
  expect(await findDefaultTasks(models, { modelsDir })).toEqual(fresh);
  const [base = "", ...heads] = modelsOfTask("music.mood", models).map(({ id }) => id);
  await put([base, ...heads.slice(1)]);
  expect(await findDefaultTasks(models, { modelsDir })).toEqual([...fresh, "music.tags", "music.embedding"]);
  const gaps = await findTaskGaps(models, { modelsDir });
  expect(gaps.filter(({ task }) => task.startsWith("music.m"))).toMatchObject([
    { task: "music.mood", lacks: [{ id: heads[0] }] },
  ]);
  await put(heads);
  expect(await findDefaultTasks(models, { modelsDir })).toContain("music.mood");
});

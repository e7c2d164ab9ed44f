import { insertCalibration, useCalibration } from "@earshot/shared/db/calibrations";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptedInference } from "./tasks/music/testing/scripted-inference.ts";
import { engineWithout, openAttempts } from "./testing/attempts.ts";
import type { Attempts } from "./testing/attempts.ts";

/** Every head is this sure of its first class. */
const SURE = Math.fround(0.8);
const EMBEDDING = Float32Array.from({ length: 200 }, (_, i) => (i === 7 ? 3 : 0) - (i === 9 ? 4 : 0));

const inference = scriptedInference(async (model) =>
  model === "msd-musicnn-1"
    ? {
        activations: { data: new Float32Array(50), dims: [1, 50] },
        embeddings: { data: EMBEDDING, dims: [1, 200] },
      }
    : { activations: { data: Float32Array.of(SURE, 1 - SURE), dims: [1, 2] } },
);

let attempts: Attempts;
let uploadId: string;
beforeAll(async () => {
  attempts = await openAttempts(await engineWithout(inference), { leaseSeconds: 5 });
  uploadId = await attempts.stack.upload(await attempts.tone(4));
});
afterAll(() => attempts?.[Symbol.asyncDispose]());

/** The job of one task, done. */
async function analysed(task: TaskName) {
  const id = await attempts.stack.submit({ uploadId, tasks: [task] });
  await attempts.attempt(id);
  const [result] = await attempts.stack.results(id);
  return { id, body: JSON.parse(result?.body ?? "null") as unknown };
}

test("a job's embedding is in its result as the model gave it, and in the database with length 1", async () => {
  const { stack } = attempts;
  const { id, body } = await analysed("music.embedding");
  const space = "msd-musicnn-1@a04600b137c6";
  expect(body).toMatchObject({ space, vector: [...EMBEDDING] });
  const [stored, ...others] =
    await stack.sql`select *, to_json(vec) as vec from embeddings where job_id = ${id}`;
  expect(others).toEqual([]);
  expect(stored).toMatchObject({ account_id: stack.accountId, space });
  expect(stored?.["vec"]).toHaveLength(200);
  expect(stored?.["vec"]).toMatchObject({ 6: 0, 7: expect.closeTo(0.6), 9: expect.closeTo(-0.8) });
});

test("a job is tagged by the calibration that its account has in use when it runs, and its result says which", async () => {
  const { stack, db } = attempts;
  const mood = async () => (await analysed("music.mood")).body;
  const thresholds = { happy: { strict: 0.7, regular: 0.6, loose: 0.5 } };
  const made = (model: string, modelVersion: string) =>
    insertCalibration(stack.db, stack.accountId, { model, modelVersion, results: 50, thresholds });
  const set = (id: string, isActive: boolean) =>
    stack.db.transaction((tx) => useCalibration(tx, stack.accountId, { id, isActive }));

  const own = await made("msd-musicnn-1", "1");
  expect(await mood()).toMatchObject({ calibration: "default-1", tags: { strict: [] } });
  await set(own.id, true);
  expect(await mood()).toMatchObject({ calibration: own.id, tags: { strict: ["happy"] } });
  // Of a model that made other probabilities it says nothing.
  await set((await made("msd-musicnn-1", "2")).id, true);
  expect(await mood()).toMatchObject({ calibration: "default-1", tags: { strict: [] } });
  await set(own.id, true);
  await set(own.id, false);
  expect(await mood()).toMatchObject({ calibration: "default-1" });
  await expect(
    db.transaction((tx) => useCalibration(tx, stack.accountId, { id: own.id, isActive: true })),
  ).rejects.toThrow();
});

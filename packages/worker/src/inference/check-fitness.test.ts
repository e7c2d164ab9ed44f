import { AppError } from "@earshot/shared/domain/errors";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { checkFitness } from "./check-fitness.ts";
import { LaneExit } from "./lane-errors.ts";
import type { Lanes } from "./lanes.ts";
import { createRegistry } from "./registry.ts";

const FOLDERS = { modelsDir: undefined, cacheDir: undefined };

/** Lanes whose first `deaths` loads end with the lane. @returns why they were declared defunct, or null. */
async function check(deaths: number, error: Error): Promise<unknown> {
  let left = deaths;
  let defunct: unknown = null;
  const lanes = {
    load: async () => {
      if (left-- > 0) throw error;
    },
    declareDefunct: (reason: unknown) => (defunct = reason),
  } as unknown as Lanes;
  await checkFitness(lanes, { registry: createRegistry(FOLDERS), log: silentLog });
  return defunct;
}

const killed = new AppError("internal", { cause: new LaneExit("The lane ended with SIGKILL.") });

test("a lane that something kills during the check does not make the worker defunct", async () => {
  expect(await check(2, killed)).toBeNull();
});

test("a model that every lane dies of does, and one that can't be loaded at its first try", async () => {
  expect(await check(100, killed)).toBe(killed);
  const unusable = new AppError("model_unavailable");
  expect(await check(1, unusable)).toBe(unusable);
});

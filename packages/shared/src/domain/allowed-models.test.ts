import { expect, test } from "vitest";
import { mayUseModel, refuseForbiddenModels } from "./allowed-models.ts";

test("an account without a list may use every model", () => {
  expect(() => refuseForbiddenModels(["music.tags", "speech.segments"], null)).not.toThrow();
  expect(mayUseModel({ tasks: ["music.mood"] }, null)).toBe(true);
});

test("an account with a list may use its models, and tasks without one", () => {
  expect(() => refuseForbiddenModels(["audio.features", "speech.segments"], ["silero_vad"])).not.toThrow();
  expect(() => refuseForbiddenModels(["audio.features"], [])).not.toThrow();
  expect(mayUseModel({ tasks: ["speech.segments"] }, ["silero_vad"])).toBe(true);
  expect(mayUseModel({ tasks: ["music.mood"] }, ["msd-musicnn-1"])).toBe(true);
});

test("a task whose model is not in the list is refused, and the refusal names both", () => {
  expect(() => refuseForbiddenModels(["speech.segments", "music.tags"], ["silero_vad"])).toThrow(
    expect.objectContaining({
      code: "forbidden",
      message: "This account may not use msd-musicnn-1, the model of music.tags.",
      detail: { task: "music.tags", model: "msd-musicnn-1" },
    }),
  );
  expect(mayUseModel({ tasks: ["music.mood"] }, ["silero_vad"])).toBe(false);
});

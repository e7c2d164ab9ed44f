import { fileURLToPath } from "node:url";
import { TASK_NAMES, TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { createRegistry } from "./inference/registry.ts";
import { findDefaultTasks } from "./inference/task-models.ts";
import { runTasks } from "./run-tasks.ts";

const SPEECH = fileURLToPath(new URL("../../../samples/hello-earshot.flac", import.meta.url));

/** Those whose weights are published nowhere that this test could have them from. */
const WITHOUT_WEIGHTS: readonly string[] = ["speech.speakers", "speech.transcription"];

let engine: Engine;
let modelsDir: string;
beforeAll(async () => {
  modelsDir = process.env["EARSHOT_MODELS_DIR"] ?? "";
  if (modelsDir === "") throw new Error("EARSHOT_MODELS_DIR does not say where the weights are");
  engine = await createEngine({
    lanes: 1,
    threads: 1,
    device: "cpu",
    modelsDir,
    searchPath: process.env["PATH"] ?? "",
    log: silentLog,
  });
});
afterAll(() => engine?.[Symbol.asyncDispose]());

test("all tasks of the catalog share one decode, and those of one model its runs", async () => {
  const tasks = await findDefaultTasks(createRegistry().models, { modelsDir });
  expect(TASK_NAMES.filter((name) => !tasks.includes(name) && !WITHOUT_WEIGHTS.includes(name))).toEqual([]);
  const { decoder, inference, readTags } = engine;
  const decode = vi.fn(decoder.decode);
  const { results } = await runTasks({
    file: SPEECH,
    tasks: tasks.map((name) => ({ name })),
    decoder: { ...decoder, decode },
    inference,
    readTags,
    maxAudioSeconds: 600,
    log: silentLog,
    signal: new AbortController().signal,
  });
  expect(results.filter(({ status }) => status === "failed")).toEqual([]);
  expect(results.map(({ task }) => task)).toEqual(tasks);
  expect(decode).toHaveBeenCalledOnce();
  const tags = results.find(({ task }) => task === "music.tags") as { segments?: { timestamps_seconds: [] } };
  const { models } = engine.inference.observe();
  const [musicnn] = Object.entries(models).filter(([ref]) => ref.startsWith(`${TASKS["music.tags"].model}@`));
  expect(musicnn?.[1].rows).toBe(tags.segments?.timestamps_seconds.length);
});

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TASK_NAMES } from "@earshot/shared/domain/tasks";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRegistry } from "./inference/registry.ts";
import { findDefaultTasks } from "./inference/task-models.ts";
import { createCorpus } from "./input/testing/corpus.ts";
import type { Corpus } from "./input/testing/corpus.ts";
import type { MeasuredRun, MeasureRequest, Sound } from "./testing/measure-task.main.ts";
import { MEMORY_CASES } from "./testing/memory-cases.ts";

const run = promisify(execFile);
const SPEECH = fileURLToPath(new URL("../../../samples/hello-earshot.flac", import.meta.url));
const MAIN = fileURLToPath(new URL("./testing/measure-task.main.ts", import.meta.url));
const HOUR = 3_600;
const MAX_GROWTH_MB = 5;
/** Momentary: a lane's full collection, which comes with each 512th call, needs room for what it moves. */
const MAX_PEAK_GROWTH_MB = 16;
/** Between ten minutes and ten hours: that of docs/performance.md, and what a million runs of a model leave between its pieces. */
const MAX_TEN_HOURS_MB = 64;
const MAX_TEN_HOURS_LANE_MB = 16;

/** Those whose models are here run them; the others, and all of ten hours that would take too long, run stand-ins. */
const withWeights = await findDefaultTasks(createRegistry().models, {
  modelsDir: process.env["EARSHOT_MODELS_DIR"],
});

let corpus: Corpus;
beforeAll(async () => {
  corpus = await createCorpus();
});
afterAll(() => corpus?.[Symbol.asyncDispose]());

/** What there is to hear, at 16 kHz, of so many seconds or as long as it is. */
async function soundOf(task: TaskName, standIns: boolean, seconds?: number): Promise<string> {
  const name = `${task}-${seconds}.flac`;
  const length = seconds === undefined ? [] : ["-t", String(seconds)];
  const { sound } = MEMORY_CASES[task];
  if (!standIns || sound === undefined)
    return corpus.make(name, ...looped(seconds), "-i", SPEECH, "-ac", "1", "-ar", "16000", ...length);
  const file = await corpus.write(`${task}.f32`, new Uint8Array(sound().buffer));
  return corpus.make(
    name,
    ...looped(seconds),
    "-f",
    "f32le",
    "-ar",
    "16000",
    "-ac",
    "1",
    "-i",
    file,
    ...length,
  );
}

const looped = (seconds: number | undefined) => (seconds === undefined ? [] : ["-stream_loop", "-1"]);

async function measured(request: MeasureRequest): Promise<[MeasuredRun, MeasuredRun]> {
  const words = ["--expose-gc", "--no-flush-bytecode", MAIN, JSON.stringify(request)];
  const { stdout } = await run(process.execPath, words);
  const [short, long] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MeasuredRun);
  if (short === undefined || long === undefined) throw new Error(`not two runs: ${stdout}`);
  console.log(JSON.stringify({ task: request.task, standIns: request.standIns, short, long }));
  for (const { found } of [short, long]) expect(found.problems).toEqual([]);
  return [short, long];
}

test.each(TASK_NAMES)(
  "%s takes no more memory for 20 minutes than for 2",
  async (task) => {
    const standIns = !withWeights.includes(task);
    const [two, twenty] = await Promise.all(
      [2, 20].map(async (minutes): Promise<Sound> => ({ file: await soundOf(task, standIns, 60 * minutes) })),
    );
    if (two === undefined || twenty === undefined) throw new Error("no sound");
    const [short, long] = await measured({
      task,
      standIns,
      // After so many runs neither process keeps more for the next.
      warmUps: [two, two],
      sounds: [two, twenty],
    });
    expect(long.heldMb - short.heldMb, "the worker").toBeLessThan(MAX_GROWTH_MB);
    expect(long.laneMb - short.laneMb, "its lane").toBeLessThan(MAX_GROWTH_MB);
    expect(long.lanePeakMb - short.lanePeakMb, "its lane for a moment").toBeLessThan(MAX_PEAK_GROWTH_MB);
  },
  1_800_000,
);

describe("ten hours", () => {
  test.each(TASK_NAMES)(
    "%s",
    async (task) => {
      const { standIns, hopSeconds, lists = [] } = MEMORY_CASES[task];
      const file = await soundOf(task, standIns !== undefined);
      const [tenMinutes, tenHours] = [HOUR / 6, 10 * HOUR].map((loopedSeconds) => ({ file, loopedSeconds }));
      if (tenMinutes === undefined || tenHours === undefined) throw new Error("no sound");
      const [short, long] = await measured({
        task,
        standIns: standIns !== undefined,
        warmUps: [tenMinutes],
        sounds: [tenMinutes, tenHours],
      });
      expect(long.heardMb - short.heardMb, "while it hears").toBeLessThan(MAX_TEN_HOURS_MB);
      expect(long.laneMb - short.laneMb, "its lane").toBeLessThan(MAX_TEN_HOURS_LANE_MB);
      const { timelines } = long.found;
      expect(timelines.map(({ name }) => name)).toEqual(short.found.timelines.map(({ name }) => name));
      expect(timelines.map(({ name }) => name)).toEqual(expect.arrayContaining([...lists]));
      for (const [index, { name, length }] of timelines.entries())
        expect(length / (60 * (short.found.timelines[index]?.length ?? 0)), name).toBeCloseTo(1, 1);
      if (hopSeconds === undefined) return;
      expect(long.found.hopSeconds).toBe(hopSeconds);
      const columns = timelines.filter(({ name }) => name.startsWith("segments."));
      expect(columns.length).toBeGreaterThan(1);
      // A window at the end that is not whole says nothing.
      for (const { name, length } of columns)
        expect(Math.abs(length - (10 * HOUR) / hopSeconds), name).toBeLessThan(10);
    },
    3_600_000,
  );
});

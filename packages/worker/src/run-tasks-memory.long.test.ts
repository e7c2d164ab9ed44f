import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRegistry } from "./inference/registry.ts";
import { findDefaultTasks } from "./inference/task-models.ts";
import { createCorpus } from "./input/testing/corpus.ts";
import type { Corpus } from "./input/testing/corpus.ts";

const run = promisify(execFile);
const SPEECH = fileURLToPath(new URL("../../../samples/hello-earshot.flac", import.meta.url));
const MAIN = fileURLToPath(new URL("./testing/measure-task.main.ts", import.meta.url));
/** Without it the tasks are those of a fresh install. */
const modelsDir = process.env["EARSHOT_MODELS_DIR"];
const MAX_HELD_GROWTH_MB = 5;
/** Resident, of a process that collects its garbage when it likes: 2, 20 and 40 minutes of speech.segments took 131, 135 and 137 MB. */
const MAX_LANE_GROWTH_MB = 16;

let corpus: Corpus;
let short: string;
let long: string;
beforeAll(async () => {
  corpus = await createCorpus();
  [short, long] = [await looped(2), await looped(20)];
});
afterAll(() => corpus?.[Symbol.asyncDispose]());

const looped = (minutes: number) =>
  corpus.make(`${minutes}.flac`, "-stream_loop", "-1", "-i", SPEECH, "-t", String(60 * minutes));

const tasks = await findDefaultTasks(createRegistry().models, { modelsDir });

test.each(tasks)(
  "%s takes no more memory for 20 minutes than for 2",
  async (task) => {
    const { stdout } = await run(process.execPath, ["--expose-gc", MAIN, task, short, long]);
    const [two, twenty] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { heldMb: number; laneMb: number });
    console.log(JSON.stringify({ task, two, twenty }));
    expect((twenty?.heldMb ?? NaN) - (two?.heldMb ?? NaN), "the worker").toBeLessThan(MAX_HELD_GROWTH_MB);
    expect((twenty?.laneMb ?? NaN) - (two?.laneMb ?? NaN), "its lane").toBeLessThan(MAX_LANE_GROWTH_MB);
  },
  1_200_000,
);

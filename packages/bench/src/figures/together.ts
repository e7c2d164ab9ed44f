import { silentLog } from "@earshot/shared/log";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { createEngine } from "@earshot/worker/engine";
import type { Engine } from "@earshot/worker/engine";
import type { Inference } from "@earshot/worker/inference/inference";
import { createRegistry } from "@earshot/worker/inference/registry";
import { findDefaultTasks } from "@earshot/worker/inference/task-models";
import { runTasks } from "@earshot/worker/run-tasks";
import { writeTrack } from "../audio.ts";
import type { Figure } from "../figure.ts";
import { cpuSecondsOf } from "../process-usage.ts";
import { rounded, sumOf } from "../statistics.ts";

const TRACK_SECONDS = 60;
const signal = new AbortController().signal;

/** CPU of a job with all tasks that are installed, against jobs with one of them each, and against their models alone. */
export const together: Figure = {
  name: "together",
  async measure(context) {
    const { modelsDir, hasMusicnn, described } = context.models;
    if (!hasMusicnn) return { figures: {}, details: { skipped: described } };
    const tasks = await findDefaultTasks(createRegistry().models, { modelsDir });
    const seconds = context.quick ? TRACK_SECONDS / 10 : TRACK_SECONDS;
    const file = await writeTrack(context.home.directory, 0, seconds);
    await using engine = await createEngine({
      lanes: 1,
      threads: 1,
      device: "cpu",
      modelsDir,
      searchPath: context.searchPath,
      log: silentLog,
    });
    const calls: Call[] = [];
    // Models are loaded, code is compiled; and what is asked of the models is known.
    await analyse(engine, file, tasks, recorded(engine.inference, calls));
    const all = await cpuOf(engine, () => analyse(engine, file, tasks));
    const apart: [TaskName, number][] = [];
    for (const task of tasks) {
      context.say(`together: ${task}`);
      apart.push([task, await cpuOf(engine, () => analyse(engine, file, [task]))]);
    }
    const models = await modelsCpu(engine, calls);
    const apartSum = sumOf(apart.map(([, seconds]) => seconds));
    return {
      figures: {
        "together.vs_apart": { value: rounded(all / apartSum), goal: 0.85 },
        "together.vs_models": { value: rounded(all / models), goal: 1.25 },
      },
      details: {
        track_seconds: seconds,
        all_cpu_seconds: rounded(all),
        apart_cpu_seconds: Object.fromEntries(apart.map(([task, cpu]) => [task, rounded(cpu)])),
        models_cpu_seconds: rounded(models),
        model_calls: calls.length,
        rounds: 1,
      },
    };
  },
};

type Call = (inference: Inference) => Promise<unknown>;

/** CPU of the lanes: the same calls again, one after the other, and nothing but them. */
async function modelsCpu({ inference }: Engine, calls: readonly Call[]): Promise<number> {
  const before = sumOf(inference.pids.map(cpuSecondsOf));
  for (const call of calls) await call(inference);
  return sumOf(inference.pids.map(cpuSecondsOf)) - before;
}

/** Of this process, of its children that have ended, and of the lanes. */
async function cpuOf({ inference }: Engine, work: () => Promise<void>): Promise<number> {
  const now = () => sumOf([process.pid, ...inference.pids].map(cpuSecondsOf));
  const before = now();
  await work();
  return now() - before;
}

async function analyse(
  engine: Engine,
  file: string,
  tasks: readonly TaskName[],
  inference: Inference = engine.inference,
): Promise<void> {
  const { results } = await runTasks({
    ...engine,
    inference,
    file,
    tasks: tasks.map((name) => ({ name })),
    maxAudioSeconds: 14_400,
    log: silentLog,
    signal,
  });
  for (const { task, status } of results) if (status === "failed") throw new Error(`${task} failed`);
}

/** The same models, and a list of what is asked of them. */
function recorded(inference: Inference, calls: Call[]): Inference {
  const note = <Answer>(call: (target: Inference) => Promise<Answer>) => {
    calls.push(call);
    return call(inference);
  };
  return {
    window: inference.window,
    identify: (model) => inference.identify(model),
    describe: (model) => inference.describe(model),
    load: (model, stop) => inference.load(model, stop),
    readFile: (model, name) => inference.readFile(model, name),
    scan: (model, request, stop) => note((target) => target.scan(model, request, stop)),
    run: (model, feeds, stop) => note((target) => target.run(model, feeds, stop)),
    generate: (model, request, stop) => note((target) => target.generate(model, request, stop)),
  };
}

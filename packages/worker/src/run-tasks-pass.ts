import { AppError, jobErrorCode, titleOf } from "@earshot/shared/domain/errors";
import type { TaskError, TaskFailed, TaskResult, TaskSucceeded } from "@earshot/shared/domain/results";
import { TASKS } from "@earshot/shared/domain/tasks";
import type { TaskName, TaskOptions } from "@earshot/shared/domain/tasks";
import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import type { Inference } from "./inference/inference.ts";
import type { AudioBlock, StreamSpec } from "./input/audio.ts";
import type { InstalledTasks } from "./tasks/index.ts";
import type { TaskContext, TaskRun } from "./tasks/task.ts";

/** One task's way through one file. It throws only when the job was stopped: the task's own failure is its result. */
export interface TaskPass {
  stream: StreamSpec;
  push(block: AudioBlock): Promise<void>;
  finish(): Promise<TaskResult>;
}

export function startTask(
  installed: InstalledTasks,
  { name, options }: { name: TaskName; options?: unknown },
  context: TaskContext,
  log: Log,
): TaskPass {
  let failure: { error: unknown } | null = null;

  /** A stopped job is no failure of its task. */
  function fail(error: unknown): void {
    context.signal.throwIfAborted();
    log.warn("task_failed", { task: name, ...describeError(error) });
    failure = { error };
  }

  function start(): TaskRun | null {
    try {
      return begin(installed, name, options, context);
    } catch (error) {
      fail(error);
      return null;
    }
  }

  const run = start();
  return {
    stream: installed[name].stream,

    async push(block) {
      if (failure !== null) return;
      try {
        await run?.push(block);
      } catch (error) {
        fail(error);
      }
    },

    async finish() {
      try {
        if (failure === null && run !== null) return succeeded(name, await run.finish());
      } catch (error) {
        fail(error);
      }
      return failed(name, failure?.error, context.inference);
    },
  };
}

/** The result of a task that this worker is too old for. */
export function unknownTask(task: string): TaskFailed {
  const message = `This worker does not know the task ${task}: update it.`;
  return {
    task,
    status: "failed",
    model: null,
    version: "",
    device: "cpu",
    error: { code: "model_unavailable", message },
  };
}

function begin<Name extends TaskName>(
  installed: InstalledTasks,
  name: Name,
  options: unknown,
  context: TaskContext,
): TaskRun {
  return installed[name].start(parseOptions(name, options), context);
}

/** The catalog pairs each name with its own options, which TypeScript cannot follow through an index. */
function parseOptions<Name extends TaskName>(name: Name, options: unknown): TaskOptions<Name> {
  return TASKS[name].options.parse(options ?? {}) as TaskOptions<Name>;
}

function succeeded(task: TaskName, output: Awaited<ReturnType<TaskRun["finish"]>>): TaskSucceeded {
  return { task, status: "succeeded", ...output };
}

function failed(task: TaskName, error: unknown, inference: Inference): TaskFailed {
  const { model } = TASKS[task];
  const identity = model === null ? { model, version: "", device: "cpu" } : inference.identify(model);
  return { task, status: "failed", ...identity, error: taskErrorOf(error) };
}

/** Of an error that nobody expected only the code is told: its message may hold anything. */
function taskErrorOf(error: unknown): TaskError {
  const code = jobErrorCode(error);
  if (!(error instanceof AppError) || error.code !== code) return { code, message: titleOf(code) };
  const hasDetail = Object.keys(error.detail).length > 0;
  return { code, message: error.message, ...(hasDetail ? { detail: { ...error.detail } } : {}) };
}

import { AppError } from "./errors.ts";
import { isTaskName, TASKS } from "./tasks.ts";
import type { TaskName } from "./tasks.ts";

/** The ids of the models that an account may use; null is every one. */
export type AllowedModels = readonly string[] | null;

/** A task without a model is everybody's. */
function mayRunTask(task: TaskName, allowed: AllowedModels): boolean {
  const { model } = TASKS[task];
  return model === null || allowed === null || allowed.includes(model);
}

/** @throws AppError `forbidden` that names the task and its model. */
export function refuseForbiddenModels(tasks: readonly TaskName[], allowed: AllowedModels): void {
  const task = tasks.find((name) => !mayRunTask(name, allowed));
  if (task === undefined) return;
  const { model } = TASKS[task];
  throw new AppError("forbidden", {
    message: `This account may not use ${model}, the model of ${task}.`,
    detail: { task, model },
  });
}

/** A model is of use to an account when one of its tasks is: those that only help another are allowed with it. */
export function mayUseModel({ tasks }: { tasks: readonly string[] }, allowed: AllowedModels): boolean {
  return tasks.some((name) => isTaskName(name) && mayRunTask(name, allowed));
}

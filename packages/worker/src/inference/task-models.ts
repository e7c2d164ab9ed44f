import { BUNDLED_TASK_NAMES, TASK_NAMES, TASKS } from "@earshot/shared/domain/tasks";
import type { TaskName } from "@earshot/shared/domain/tasks";
import type { ModelSpec } from "./manifest.ts";
import { isInstalled } from "./model-places.ts";
import type { ModelFolders } from "./model-places.ts";

/** All models that a task runs: its own, those that are there for it alone, and what they need. In the manifest's order. */
export function modelsOfTask(task: TaskName, models: readonly ModelSpec[]): ModelSpec[] {
  return withNeeds(
    models.filter((spec) => spec.task === task || spec.id === TASKS[task].model),
    models,
  );
}

/** These, and the models whose output is their input. In the manifest's order. */
export function withNeeds(specs: readonly ModelSpec[], models: readonly ModelSpec[]): ModelSpec[] {
  const ids = new Set(specs.map(({ id }) => id));
  // A set that grows while it is walked is walked to its new end.
  for (const id of ids) {
    const needs = models.find((spec) => spec.id === id)?.needs;
    if (needs !== undefined) ids.add(needs);
  }
  return models.filter(({ id }) => ids.has(id));
}

export function tasksOfModel({ id }: ModelSpec, models: readonly ModelSpec[]): TaskName[] {
  return TASK_NAMES.filter((task) => modelsOfTask(task, models).some((spec) => spec.id === id));
}

/** A task, and those of its models that are not here. */
export interface TaskGap {
  task: TaskName;
  lacks: ModelSpec[];
}

/** Tasks whose weights are not here, whether they are the right ones or not. */
export async function findTaskGaps(models: readonly ModelSpec[], folders: ModelFolders): Promise<TaskGap[]> {
  const installed = await Promise.all(models.map((spec) => isInstalled(spec, folders)));
  const missing = models.filter((_, index) => !installed[index]);
  return TASK_NAMES.map((task) => ({
    task,
    lacks: modelsOfTask(task, models).filter((spec) => missing.includes(spec)),
  })).filter(({ lacks }) => lacks.length > 0);
}

/**
 * What is run where nobody says what: the tasks whose models are here, and those of a fresh install in any case, so
 * that a damaged one is told and not passed over.
 */
export async function findDefaultTasks(
  models: readonly ModelSpec[],
  folders: ModelFolders,
): Promise<TaskName[]> {
  const lacking = (await findTaskGaps(models, folders)).map(({ task }) => task);
  return TASK_NAMES.filter((task) => BUNDLED_TASK_NAMES.includes(task) || !lacking.includes(task));
}

import type { TaskName } from "@earshot/shared/domain/tasks";
import type { ModelFolders } from "@earshot/worker/inference/model-places";
import { createRegistry } from "@earshot/worker/inference/registry";
import { findDefaultTasks, findTaskGaps } from "@earshot/worker/inference/task-models";
import { pullAdvice } from "./models-advice.ts";

/** What is run where nobody says what. */
export function defaultTasksHere(folders: ModelFolders): Promise<TaskName[]> {
  return findDefaultTasks(createRegistry().models, folders);
}

/** One line about the tasks that lack weights, or null. */
export async function whatToPull(folders: ModelFolders): Promise<string | null> {
  return pullAdvice(await findTaskGaps(createRegistry().models, folders));
}

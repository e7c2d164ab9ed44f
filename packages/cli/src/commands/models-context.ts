import { isTaskName, TASKS } from "@earshot/shared/domain/tasks";
import type { ModelSpec } from "@earshot/worker/inference/manifest";
import type { Fetch } from "@earshot/worker/inference/pull-model";
import { createRegistry } from "@earshot/worker/inference/registry";
import { modelsOfTask, withNeeds } from "@earshot/worker/inference/task-models";
import type { Home } from "../stack/home.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import type { StackConfig } from "../stack/stack-config.ts";
import { usageError } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

/** All that the commands about models work on. */
export interface ModelsContext {
  terminal: Terminal;
  home: Home;
  folders: StackConfig["models"];
  models: readonly ModelSpec[];
  fetch: Fetch;
}

/** @throws ConfigError */
export function openModels(terminal: Terminal): ModelsContext {
  const { home, models: folders } = readStackConfig(terminal.env);
  return { terminal, home, folders, models: createRegistry().models, fetch };
}

/** The models of these ids and tasks, and those that they need. @throws CommandError for a name that is neither. */
export function selectModels(names: readonly string[], models: readonly ModelSpec[]): ModelSpec[] {
  const named = names.flatMap((name) => {
    const found = isTaskName(name) ? modelsOfTask(name, models) : models.filter(({ id }) => id === name);
    if (found.length > 0 || isTaskName(name)) return found;
    const known = { models: models.map(({ id }) => id), tasks: Object.keys(TASKS) };
    const told = `The models are ${known.models.join(", ")}; the tasks ${known.tasks.join(", ")}.`;
    throw usageError(`There is no model and no task "${name}". ${told}`, { name, ...known });
  });
  return withNeeds(named, models);
}

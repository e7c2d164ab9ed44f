import { isTaskName, TASKS } from "@earshot/shared/domain/tasks";
import type { TaskName } from "@earshot/shared/domain/tasks";
import * as z from "zod";
import { usageError } from "./command-error.ts";

const ALL_TASKS = Object.keys(TASKS);

export interface TaskChoice {
  tasks: TaskName[];
  options: Readonly<Partial<Record<TaskName, unknown>>>;
}

/** Reads `--tasks a,b`, or `defaults` without it, and `--options '{"a": {…}}'`. @throws CommandError for wrong usage, which names the fault. */
export function readTaskChoice(
  { tasks, options }: { tasks?: string | undefined; options?: string | undefined },
  defaults: readonly TaskName[],
): TaskChoice {
  const names = tasks === undefined ? defaults : readNames(tasks);
  return { tasks: [...new Set(names)], options: options === undefined ? {} : readOptions(options, names) };
}

function readNames(text: string): TaskName[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .map((name) => {
      if (isTaskName(name)) return name;
      throw usageError(`There is no task "${name}". The tasks are ${ALL_TASKS.join(", ")}.`, {
        task: name,
        tasks: ALL_TASKS,
      });
    });
}

function readOptions(text: string, names: readonly TaskName[]): Record<string, unknown> {
  const options = z.record(z.string(), z.unknown()).safeParse(parseJson(text));
  if (!options.success)
    throw usageError("--options is a JSON object with the options of each task under its name.");
  for (const [task, value] of Object.entries(options.data)) checkOptions(task, value, names);
  return options.data;
}

function checkOptions(task: string, value: unknown, names: readonly TaskName[]): void {
  if (!isTaskName(task) || !names.includes(task)) {
    throw usageError(`--options names "${task}", which is not among the tasks.`, { task });
  }
  const parsed = TASKS[task].options.safeParse(value);
  if (parsed.success) return;
  const problems = parsed.error.issues.map(({ path, message }) => ({ option: path.join("."), message }));
  const told = problems
    .map(({ option, message }) => (option === "" ? message : `${option}: ${message}`))
    .join("; ");
  throw usageError(`--options of ${task}: ${told}.`, { task, problems });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usageError("--options is not valid JSON.");
  }
}

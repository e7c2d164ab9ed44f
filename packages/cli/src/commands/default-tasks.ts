import type { Env } from "@earshot/shared/config/env";
import { BUNDLED_TASK_NAMES } from "@earshot/shared/domain/tasks";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { readStackConfig } from "../stack/stack-config.ts";
import type { ConnectionOptions } from "./connection.ts";

/** What the workers of an API elsewhere have is not known here: they are asked for what every install has. */
export async function defaultTasks({ url }: ConnectionOptions, env: Env): Promise<readonly TaskName[]> {
  if (url !== undefined || env["EARSHOT_URL"]) return BUNDLED_TASK_NAMES;
  const { defaultTasksHere } = await import("./models-here.ts");
  return defaultTasksHere(readStackConfig(env).models);
}

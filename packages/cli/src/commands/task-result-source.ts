import { readFile } from "node:fs/promises";
import { AppError } from "@earshot/shared/domain/errors";
import type { TaskName } from "@earshot/shared/domain/tasks";
import * as z from "zod";
import { usageError } from "./command-error.ts";
import { connect } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

const analysis = z.object({ results: z.array(z.looseObject({ task: z.string() })) });

/** What a task found: of a job, by its id, or in a file with the JSON that `analyze` printed. @throws what says that there is none. */
export async function readTaskResult(
  source: string,
  task: TaskName,
  options: ConnectionOptions,
  terminal: Terminal,
): Promise<unknown> {
  if (source.startsWith("job_")) {
    const earshot = await connect(options, terminal.env);
    return earshot.jobs.result(source, task, { signal: terminal.signal });
  }
  const { data } = analysis.safeParse(await readJson(source));
  const found = data?.results.find((result) => result.task === task);
  if (found === undefined)
    throw new AppError("not_found", { message: `There is no result of ${task} in ${source}.` });
  return found;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw usageError(`${file} can't be read as JSON.`, { file, cause: String(cause) });
  }
}

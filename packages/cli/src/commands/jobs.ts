import type { Command } from "commander";
import { cancelJob, readJob } from "../client/jobs.ts";
import type { Job } from "../client/jobs.ts";
import { findConnection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import type { Terminal } from "./terminal.ts";

type JobOptions = ConnectionOptions & { json?: true };

const EXAMPLES = `
Examples:
  earshot jobs get job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --json
  earshot jobs cancel job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD`;

/** `earshot jobs get|cancel`. */
export function addJobs(program: Command, terminal: Terminal): void {
  const jobs = program
    .command("jobs")
    .description("Look at jobs and cancel them")
    .addHelpText("after", EXAMPLES);

  withConnection(jobs.command("get"))
    .description("Show a job")
    .argument("<id>", "the job's id")
    .action(async (id: string, options: JobOptions) => {
      const connection = await findConnection(options, terminal.env);
      print(await readJob(connection, id, terminal.signal), options, terminal);
    });

  withConnection(jobs.command("cancel"))
    .description("Cancel a job; one that runs stops within seconds")
    .argument("<id>", "the job's id")
    .action(async (id: string, options: JobOptions) => {
      const connection = await findConnection(options, terminal.env);
      print(await cancelJob(connection, id, terminal.signal), options, terminal);
    });
}

function print(job: Job, { json }: JobOptions, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify(job));
  const progress =
    job.progress === null ? "" : `, ${job.progress.stage} ${Math.round(job.progress.fraction * 100)} %`;
  const error = job.error === null ? "" : `: ${job.error.message}`;
  terminal.out(`${job.id} ${job.status}${progress}${error}`);
}

import { Option } from "commander";
import type { Command } from "commander";
import { JOB_STATUSES } from "@earshot/shared/domain/job-status";
import type { JobStatus } from "@earshot/shared/domain/job-status";
import type { ApiConnection } from "../client/api-client.ts";
import { cancelJob, deleteJob, listJobs, readJob, retryJob } from "../client/jobs.ts";
import type { Job, JobPage } from "../client/jobs.ts";
import { usageError } from "./command-error.ts";
import { findConnection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import type { Terminal } from "./terminal.ts";

type JobOptions = ConnectionOptions & { json?: true };

type ListOptions = JobOptions & { status?: JobStatus; limit?: string };

const EXAMPLES = `
Examples:
  earshot jobs list --status failed --limit 5
  earshot jobs get job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --json
  earshot jobs cancel job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD
  earshot jobs retry job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD
  earshot jobs delete job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD`;

const MOST_JOBS = 100;

/** `earshot jobs list|get|cancel|retry|delete`. */
export function addJobs(program: Command, terminal: Terminal): void {
  const jobs = program
    .command("jobs")
    .description("Look at jobs, cancel, retry and delete them")
    .addHelpText("after", EXAMPLES);

  withConnection(jobs.command("list"))
    .description("Show the newest jobs")
    .addOption(new Option("--status <status>", "only those in this state").choices(JOB_STATUSES))
    .option("--limit <count>", `how many at most, 1 to ${MOST_JOBS} (default: 20)`)
    .action(async (options: ListOptions) => {
      const limit = options.limit === undefined ? undefined : readLimit(options.limit);
      const connection = await findConnection(options, terminal.env);
      const page = await listJobs(connection, { status: options.status, limit }, terminal.signal);
      printPage(page, options, terminal);
    });

  addJobCommand(jobs, terminal, { name: "get", description: "Show a job", run: readJob });
  addJobCommand(jobs, terminal, {
    name: "cancel",
    description: "Cancel a job; one that runs stops within seconds",
    run: cancelJob,
  });
  addJobCommand(jobs, terminal, {
    name: "retry",
    description: "Submit an ended job once more, and show the new one",
    run: retryJob,
  });

  withConnection(jobs.command("delete"))
    .description("Delete what an ended job left, its audio and results, for good")
    .argument("<id>", "the job's id")
    .action(async (id: string, options: JobOptions) => {
      await deleteJob(await findConnection(options, terminal.env), id, terminal.signal);
      terminal.out(options.json ? JSON.stringify({ deleted: id }) : `deleted ${id}`);
    });
}

interface JobCommand {
  name: string;
  description: string;
  run(connection: ApiConnection, id: string, signal: AbortSignal): Promise<Job>;
}

/** One that takes the id of a job and shows a job. */
function addJobCommand(jobs: Command, terminal: Terminal, { name, description, run }: JobCommand): void {
  withConnection(jobs.command(name))
    .description(description)
    .argument("<id>", "the job's id")
    .action(async (id: string, options: JobOptions) => {
      const connection = await findConnection(options, terminal.env);
      print(await run(connection, id, terminal.signal), options, terminal);
    });
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MOST_JOBS) return limit;
  throw usageError(`--limit is a whole number from 1 to ${MOST_JOBS}.`, { limit: text });
}

function printPage(page: JobPage, { json }: JobOptions, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify(page));
  for (const { id, status, created_at: createdAt, tasks } of page.data) {
    terminal.out(`${id}  ${status.padEnd(9)}  ${createdAt}  ${tasks.map(({ task }) => task).join(", ")}`);
  }
  if (page.has_more) terminal.err("There are more; --limit and --status choose among them.");
}

function print(job: Job, { json }: JobOptions, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify(job));
  const progress =
    job.progress === null ? "" : `, ${job.progress.stage} ${Math.round(job.progress.fraction * 100)} %`;
  const error = job.error === null ? "" : `: ${job.error.message}`;
  terminal.out(`${job.id} ${job.status}${progress}${error}`);
}

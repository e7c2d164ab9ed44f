import { Option } from "commander";
import type { Command } from "commander";
import type { Job, JobList } from "@earshot/sdk";
import { JOB_STATUSES } from "@earshot/shared/domain/job-status";
import type { JobStatus } from "@earshot/shared/domain/job-status";
import { usageError } from "./command-error.ts";
import { connect } from "./connection.ts";
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
      const earshot = await connect(options, terminal.env);
      const page = await earshot.jobs.listPage(
        { status: options.status, limit },
        { signal: terminal.signal },
      );
      printPage(page, options, terminal);
    });

  addJobCommand(jobs, terminal, { name: "get", description: "Show a job", verb: "get" });
  addJobCommand(jobs, terminal, {
    name: "cancel",
    description: "Cancel a job; one that runs stops within seconds",
    verb: "cancel",
  });
  addJobCommand(jobs, terminal, {
    name: "retry",
    description: "Submit an ended job once more, and show the new one",
    verb: "retry",
  });

  withConnection(jobs.command("delete"))
    .description("Delete what an ended job left, its audio and results, for good")
    .argument("<id>", "the job's id")
    .action(async (id: string, options: JobOptions) => {
      const earshot = await connect(options, terminal.env);
      await earshot.jobs.delete(id, { signal: terminal.signal });
      terminal.out(options.json ? JSON.stringify({ deleted: id }) : `deleted ${id}`);
    });
}

interface JobCommand {
  name: string;
  description: string;
  verb: "get" | "cancel" | "retry";
}

/** One that takes the id of a job and shows a job. */
function addJobCommand(jobs: Command, terminal: Terminal, { name, description, verb }: JobCommand): void {
  withConnection(jobs.command(name))
    .description(description)
    .argument("<id>", "the job's id")
    .action(async (id: string, options: JobOptions) => {
      const earshot = await connect(options, terminal.env);
      print(await earshot.jobs[verb](id, { signal: terminal.signal }), options, terminal);
    });
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MOST_JOBS) return limit;
  throw usageError(`--limit is a whole number from 1 to ${MOST_JOBS}.`, { limit: text });
}

function printPage(page: JobList, { json }: JobOptions, terminal: Terminal): void {
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

import type { Command } from "commander";
import type { Earshot, Job, JobRequest } from "@earshot/sdk";
import { AppError, isJobErrorCode } from "@earshot/shared/domain/errors";
import { createProgress } from "../client/progress.ts";
import { uploadFile } from "../client/upload-file.ts";
import { EXIT, interruptedError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { connect } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { defaultTasks } from "./default-tasks.ts";
import { describeResults } from "./describe-results.ts";
import { readTaskChoice } from "./task-options.ts";
import type { TaskChoice } from "./task-options.ts";
import type { Terminal } from "./terminal.ts";

interface SubmitOptions extends ConnectionOptions {
  tasks?: string;
  options?: string;
  wait?: true;
  webhook?: string;
  json?: true;
}

const EXAMPLES = `
Examples:
  earshot submit talk.mp3 --wait
  earshot submit https://example.com/talk.mp3 --tasks speech.segments --json
  earshot submit talk.mp3 --webhook https://example.com/earshot

The API is EARSHOT_URL or http://127.0.0.1:8787; the key is EARSHOT_API_KEY, EARSHOT_API_KEY_FILE or the home's api-key.`;

/** Adds the options that every command which talks to an API has. */
export function withConnection(command: Command): Command {
  return command
    .option("--url <api>", "where the API is")
    .option("--key-file <path>", "file that holds an API key")
    .option("--json", "print JSON alone on stdout");
}

/** `earshot submit`: a file or a URL through the API. */
export function addSubmit(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  withConnection(program.command("submit"))
    .description("Send a file or a URL to an Earshot API as a job")
    .argument("<file|url>", "an audio file, or an https URL of one")
    .option(
      "--tasks <names>",
      "what to find out, separated by commas (default: all whose models are here, or need none elsewhere)",
    )
    .option("--options <json>", "options of the tasks, each under its task's name")
    .option("--wait", "wait for the end and print the result")
    .option("--webhook <url>", "is told when the job has ended")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, options: SubmitOptions) =>
      finish(await submit(source, options, terminal)),
    );
}

async function submit(source: string, options: SubmitOptions, terminal: Terminal): Promise<ExitStatus> {
  const choice = readTaskChoice(options, await defaultTasks(options, terminal.env));
  const earshot = await connect(options, terminal.env);
  const progress = createProgress(terminal.progress);
  try {
    const input = await inputOf(source, earshot, (part) => progress.show("uploading", part), terminal.signal);
    const webhook = options.webhook === undefined ? {} : { webhook: { url: options.webhook } };
    const { signal } = terminal;
    const request = { input, tasks: choice.tasks, options: optionsOf(choice), ...webhook };
    const submitted = await earshot.jobs.create(request, { signal });
    if (!options.wait) {
      progress.end();
      terminal.out(options.json ? JSON.stringify(submitted) : `${submitted.id} ${submitted.status}`);
      return EXIT.done;
    }
    const ended = await earshot.jobs.wait(submitted.id, {
      onProgress: ({ status, progress: seen }) => progress.show(seen?.stage ?? status, seen?.fraction ?? 0),
      signal,
    });
    progress.end();
    return await printEnd(earshot, ended, options, terminal);
  } catch (error) {
    throw terminal.signal.aborted ? interruptedError() : error;
  } finally {
    progress.end();
  }
}

/** They were parsed by the catalog's schemas, of which the API's contract is made. */
function optionsOf({ options }: TaskChoice): JobRequest["options"] {
  return options as JobRequest["options"];
}

async function inputOf(
  source: string,
  earshot: Earshot,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<{ url: string } | { upload_id: string }> {
  if (/^https?:\/\//.test(source)) return { url: source };
  return { upload_id: await uploadFile(earshot, source, onProgress, signal) };
}

async function printEnd(
  earshot: Earshot,
  job: Job,
  { json }: SubmitOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (job.status !== "succeeded" && job.status !== "partial") throw endError(job);
  const result = await earshot.jobs.result(job.id, { signal: terminal.signal });
  terminal.out(json ? JSON.stringify(result) : `${job.id} ${job.status}\n${describeResults(result)}`);
  return job.status === "succeeded" ? EXIT.done : EXIT.failed;
}

/** Of a job without a result: its own error, or what its state says. */
function endError({ id, status, error }: Job): AppError {
  const code = error !== null && isJobErrorCode(error.code) ? error.code : "internal";
  const message = `Job ${id} is ${status}${error === null ? "." : `: ${error.message}`}`;
  return new AppError(code, { message, detail: { job_id: id, status } });
}

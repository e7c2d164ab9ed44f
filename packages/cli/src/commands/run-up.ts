import { createLog } from "@earshot/shared/log";
import { rejectOnAbort } from "@earshot/shared/pause";
import type { Home } from "../stack/home.ts";
import { makeHome } from "../stack/home.ts";
import { logFileOf, openLogFile } from "../stack/log-file.ts";
import { analyzeSample, SAMPLE } from "../stack/sample.ts";
import { openLoopbackPort, readStackConfig } from "../stack/stack-config.ts";
import type { StackConfig } from "../stack/stack-config.ts";
import { receiveWebhook } from "../stack/webhook-receiver.ts";
import type { WebhookReceiver } from "../stack/webhook-receiver.ts";
import { startStack } from "../stack/stack.ts";
import { toCommandError } from "./command-error.ts";
import { describeResults } from "./describe-results.ts";
import { defaultTasksHere, whatToPull } from "./models-here.ts";
import { nearPath } from "./near-path.ts";
import { line } from "./result-line.ts";
import type { Terminal } from "./terminal.ts";

export interface UpOptions {
  sample: boolean;
  verbose?: true;
}

/** Starts the stack and keeps it until the terminal's signal. @throws StackError and the like, when nothing runs. */
export async function runUp(options: UpOptions, terminal: Terminal): Promise<void> {
  const told = readStackConfig(terminal.env);
  const { signal } = terminal;
  // Open as long as the stack runs: nobody else can ever get the one port that webhooks may reach.
  await using receiver = options.sample ? await receiveWebhook(told.home.webhookSecret) : null;
  const config = receiver === null ? told : openLoopbackPort(told, receiver.port);
  try {
    terminal.out(`Earshot starts in ${nearPath(config.home.directory)}`);
    await using log = await openUpLog(config.home, options);
    const started = performance.now();
    await using _stack = await startStack(
      config,
      {
        output: options.verbose ? "terminal" : "file",
        log: log.log,
        onNotice: (notice) => terminal.out(`  ${notice}`),
      },
      signal,
    );
    terminal.out(`  ready after ${secondsSince(started)} s`);
    if (receiver !== null) await showSample(config, receiver, terminal);
    terminal.out(howToGoOn(config));
    const advice = await whatToPull(config.models);
    if (advice !== null) terminal.out(`\n${advice}`);
    terminal.out(`\nserving at ${config.publicUrl} — Ctrl-C stops`);
    await rejectOnAbort(signal).catch(() => {});
    terminal.out("stopping");
  } catch (error) {
    // Told to stop while it started: that is no failure.
    if (!signal.aborted || error !== signal.reason) throw error;
  }
  terminal.out("stopped");
}

async function openUpLog(home: Home, { verbose }: UpOptions) {
  if (verbose) return { log: createLog("up"), [Symbol.asyncDispose]: async () => {} };
  await makeHome(home);
  const file = await openLogFile(home, "up");
  const log = createLog("up", (line) => void file.appendFile(`${line}\n`).catch(() => {}));
  return { log, [Symbol.asyncDispose]: () => file.close() };
}

/** A sample that fails is told, and the stack goes on serving. */
async function showSample(config: StackConfig, receiver: WebhookReceiver, terminal: Terminal): Promise<void> {
  const started = performance.now();
  try {
    const tasks = await defaultTasksHere(config.models);
    const { result, webhook } = await analyzeSample(config, tasks, receiver, terminal.signal);
    terminal.out(`\n${nearPath(SAMPLE)}, through the API, in ${secondsSince(started)} s:`);
    terminal.out(describeResults(result));
    terminal.out(line("webhook", webhook));
  } catch (error) {
    terminal.signal.throwIfAborted();
    terminal.out(`\nThe sample could NOT be analysed: ${toCommandError(error).message}`);
    terminal.out(
      `The logs may say why: ${nearPath(logFileOf(config.home, "worker"))}. The API serves all the same.`,
    );
  }
}

function howToGoOn({ home, publicUrl }: StackConfig): string {
  const key = `-H "Authorization: Bearer $(cat ${nearPath(home.apiKey)})"`;
  const submit = `'{"input": {"url": "https://…/talk.mp3"}, "tasks": ["speech.segments"]}'`;
  return `
Your API key is in ${nearPath(home.apiKey)}, the logs are in ${nearPath(home.logs)}. Go on with:
  curl ${key} ${publicUrl}/v1/me
  curl ${key} -H "Content-Type: application/json" -d ${submit} ${publicUrl}/v1/jobs
  curl ${key} "${publicUrl}/v1/jobs/JOB_ID?wait=20"
or: npm run -s earshot -- submit FILE --wait`;
}

function secondsSince(started: number): string {
  return ((performance.now() - started) / 1_000).toFixed(1);
}

import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseEnv } from "@earshot/shared/config/env";
import { modelCacheIn } from "@earshot/shared/config/home";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Analysis } from "@earshot/shared/domain/results";
import { createLog, silentLog } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { createEngine } from "@earshot/worker/engine";
import { ENGINE_SHAPE, engineOptionsOf } from "@earshot/worker/engine-config";
import { defaultsFor } from "@earshot/worker/inference/device";
import type { Engine } from "@earshot/worker/engine";
import { runTasks } from "@earshot/worker/run-tasks";
import * as z from "zod";
import { EXIT, interruptedError, missingError, toCommandError } from "./command-error.ts";
import type { CommandError, ExitStatus } from "./command-error.ts";
import { describeResults } from "./describe-results.ts";
import { inOrder } from "./in-order.ts";
import { defaultTasksHere } from "./models-here.ts";
import { errorJson } from "./report-error.ts";
import { readTaskChoice } from "./task-options.ts";
import type { TaskChoice } from "./task-options.ts";
import type { Terminal } from "./terminal.ts";

export interface AnalyzeOptions {
  tasks?: string;
  options?: string;
  json?: true;
  verbose?: true;
}

/** Prints what became of each file, in their order, and answers the worst of it. @throws CommandError for wrong usage. */
export async function analyzeFiles(
  files: readonly string[],
  options: AnalyzeOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const config = readAnalyzeConfig(terminal);
  const choice = readTaskChoice(options, await defaultTasksHere(config.folders));
  const log = options.verbose ? createLog("analyze", terminal.err) : silentLog;
  const lanes = Math.min(
    files.length,
    config.LANES ?? defaultsFor(config.DEVICE, availableParallelism()).lanes,
  );
  const run = new AbortController();
  const signal = AbortSignal.any([terminal.signal, run.signal]);
  await using engine = await openEngine(config, lanes, log);
  let status: ExitStatus = EXIT.done;
  const attempt = (file: string) =>
    analyzeFile(file, { ...choice, engine, maxAudioSeconds: config.MAX_AUDIO_SECONDS, log, signal });
  try {
    for await (const outcome of inOrder(files, lanes, attempt)) {
      if (terminal.signal.aborted) throw interruptedError();
      print(outcome, options, terminal);
      status = worse(status, outcome.status);
    }
  } finally {
    run.abort(new Error("The command is over."));
  }
  return status;
}

async function openEngine(config: AnalyzeConfig, lanes: number, log: Log): Promise<Engine> {
  try {
    return await createEngine({ ...config.engine, lanes, log });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw missingError(`Models can't be run here: ${said} earshot doctor says more.`);
  }
}

type AnalyzeConfig = ReturnType<typeof readAnalyzeConfig>;

function readAnalyzeConfig({ env }: Terminal) {
  const config = parseEnv(env, {
    ...ENGINE_SHAPE,
    MAX_AUDIO_SECONDS: z.coerce.number().positive().default(LIMITS.audioSeconds),
  });
  const folders = { modelsDir: config.MODELS_DIR, cacheDir: modelCacheIn(config.HOME) };
  return { ...config, folders, engine: engineOptionsOf(config, env) };
}

interface Outcome {
  file: string;
  status: ExitStatus;
  analysis?: Analysis;
  error?: CommandError;
}

interface FileOptions extends TaskChoice {
  engine: Engine;
  maxAudioSeconds: number;
  log: Log;
  signal: AbortSignal;
}

/** Whatever is wrong with one file is its own outcome: the others are analysed all the same. */
async function analyzeFile(file: string, { engine, tasks, options, ...rest }: FileOptions): Promise<Outcome> {
  try {
    await requireFile(file);
    const requests = tasks.map((name) => ({ name, options: options[name] }));
    const { decoder, inference, readTags } = engine;
    const analysis = await runTasks({ file, tasks: requests, decoder, inference, readTags, ...rest });
    return { file, status: statusOf(analysis), analysis };
  } catch (error) {
    const told = toCommandError(error);
    return { file, status: told.status, error: told };
  }
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) throw new AppError("input_unreachable", { message: `There is no file ${file}.` });
}

function statusOf({ results }: Analysis): ExitStatus {
  const codes = results.flatMap((result) => (result.status === "failed" ? [result.error.code] : []));
  if (codes.includes("model_unavailable")) return EXIT.missing;
  return codes.length > 0 ? EXIT.failed : EXIT.done;
}

function worse(one: ExitStatus, other: ExitStatus): ExitStatus {
  return one > other ? one : other;
}

function print({ file, analysis, error }: Outcome, { json }: AnalyzeOptions, terminal: Terminal): void {
  if (error && json) return terminal.out(errorJson(error, { file }));
  if (error) return terminal.err(`${file}: ${error.message}`);
  terminal.out(json ? JSON.stringify(analysis) : `${file}\n${describeResults(analysis)}`);
}

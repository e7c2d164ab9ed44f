import { createHash } from "node:crypto";
import type { JobRequest } from "@earshot/sdk";
import { createProgress } from "../client/progress.ts";
import { Journal } from "../library/journal.ts";
import { isKnown, scanFile } from "../library/scan-file.ts";
import type { FileOutcome, ScanContext } from "../library/scan-file.ts";
import { walkLibrary } from "../library/walk.ts";
import type { LibraryFile } from "../library/walk.ts";
import { takeLock } from "../stack/lock.ts";
import { StackError } from "../stack/stack-error.ts";
import { EXIT, interruptedError, usageError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { connect, readWhere } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { defaultTasks } from "./default-tasks.ts";
import { requireDirectory } from "./require-directory.ts";
import { readTaskChoice } from "./task-options.ts";
import type { TaskChoice } from "./task-options.ts";
import type { Terminal } from "./terminal.ts";

export interface ScanOptions extends ConnectionOptions {
  tasks?: string;
  options?: string;
  parallel: string;
  retryFailed?: true;
  dryRun?: true;
  json?: true;
}

const MOST_PARALLEL = 64;

/** Prints what became of each file that failed, or with --json of each one, and a last line of counts. */
export async function scanLibrary(
  root: string,
  options: ScanOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { signal } = terminal;
  const parallel = readParallel(options.parallel);
  const choice = readTaskChoice(options, await defaultTasks(options, terminal.env));
  await requireDirectory(root);
  const { url, home } = readWhere(options, terminal.env);
  const journal = await Journal.open(home, root);
  await using _lock = await takeLock(
    journal.lockFile,
    root,
    ({ pid }) => new StackError(`${root} is being scanned by process ${pid}.`),
  );
  const context: ScanContext = {
    root,
    earshot: await connect(options, terminal.env),
    request: { tasks: choice.tasks, options: choice.options as JobRequest["options"] },
    fingerprint: fingerprintOf(url, choice),
    journal,
    retryFailed: options.retryFailed ?? false,
    signal,
  };
  try {
    const files = await walkLibrary(root, signal);
    return options.dryRun
      ? tellPlan(files, context, options, terminal)
      : await scanAll(files, parallel, context, options, terminal);
  } catch (error) {
    throw signal.aborted ? interruptedError() : error;
  }
}

async function scanAll(
  files: readonly LibraryFile[],
  parallel: number,
  context: ScanContext,
  { json }: ScanOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const progress = createProgress(terminal.progress);
  const counts = { files: files.length, analysed: 0, same: 0, unchanged: 0, failed: 0 };
  let done = 0;
  const show = () =>
    terminal.progress.isTTY && progress.show(`${done} of ${files.length}`, done / Math.max(1, files.length));
  const told = (outcome: FileOutcome) => {
    done += 1;
    counts[outcome.by] += 1;
    if (outcome.entry.state !== "succeeded") counts.failed += 1;
    const line = lineOf(outcome, json ?? false);
    if (line !== null) {
      progress.end();
      if (json) terminal.out(line);
      else terminal.err(line);
    }
    show();
  };
  const broken = new AbortController();
  const signal = AbortSignal.any([context.signal, broken.signal]);
  const queue = files.values();
  const work = async () => {
    for (const file of queue) {
      signal.throwIfAborted();
      told(await scanFile(file, { ...context, signal }));
    }
  };
  show();
  const workers = Array.from({ length: parallel }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    broken.abort(error);
    await Promise.allSettled(workers);
    progress.end();
    terminal.err(`${done} of ${files.length} are done; the same command goes on from there.`);
    throw error;
  }
  progress.end();
  tell(counts, json, terminal);
  return counts.failed > 0 ? EXIT.failed : EXIT.done;
}

function tell(counts: Record<string, number>, json: true | undefined, terminal: Terminal): void {
  const { files = 0, analysed = 0, same = 0, unchanged = 0, failed = 0 } = counts;
  const words = `${files} files: ${analysed} analysed, ${same} with the bytes of another, ${unchanged} unchanged; ${failed} with an error`;
  if (json) terminal.err(words);
  else terminal.out(words);
}

/** null: nothing to be said of it. */
function lineOf({ entry, by }: FileOutcome, json: boolean): string | null {
  const { path, sha256, jobId, state, error } = entry;
  if (json)
    return JSON.stringify({ path, status: state, by, sha256, job_id: jobId ?? null, error: error ?? null });
  if (state === "succeeded" || by === "unchanged") return null;
  return `${path}: ${error === undefined ? "a task failed, the others did not" : `${error.message} (${error.code})`}`;
}

function tellPlan(
  files: readonly LibraryFile[],
  context: ScanContext,
  { json }: ScanOptions,
  terminal: Terminal,
): ExitStatus {
  const unknown = files.filter((file) => !isKnown(file, context));
  for (const { path, size } of unknown) terminal.out(json ? JSON.stringify({ path, size }) : path);
  const megabytes = unknown.reduce((sum, { size }) => sum + size, 0) / 1e6;
  terminal.err(
    `${unknown.length} of ${files.length} files would be read, ${megabytes.toFixed(1)} MB. Nothing was sent.`,
  );
  return EXIT.done;
}

function fingerprintOf(url: string, { tasks, options }: TaskChoice): string {
  const asked = JSON.stringify({ url, tasks: tasks.toSorted(), options });
  return createHash("sha256").update(asked).digest("hex").slice(0, 16);
}

function readParallel(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_PARALLEL) return count;
  throw usageError(`--parallel is a whole number from 1 to ${MOST_PARALLEL}.`, { parallel: text });
}

import { readdir } from "node:fs/promises";
import { AppError } from "@earshot/shared/domain/errors";
import type { JobErrorCode } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Analysis } from "@earshot/shared/domain/results";
import type { Log } from "@earshot/shared/log";
import { silentLog } from "@earshot/shared/log";
import { findDescendants } from "@earshot/testkit/processes";
import { createEngine } from "../../engine.ts";
import { runTasks } from "../../run-tasks.ts";
import type { RunTasksRequest } from "../../run-tasks.ts";

/** How the way through the pipeline ended: whole, truncated, or with the code of the error that ended it. */
export type Ending = "whole" | "truncated" | JobErrorCode;

/** What damage may end in. `internal` and its like would be a fault of ours. */
export const HONEST_ENDINGS: readonly Ending[] = [
  "whole",
  "truncated",
  "unsupported_media",
  "decode_failed",
  "no_audio",
  "input_too_long",
];

export interface Outcome {
  ending: Ending;
  /** The codes of tasks that failed in a job that didn't. */
  taskErrors: readonly JobErrorCode[];
  analysis: Analysis | null;
  error: AppError | null;
  milliseconds: number;
}

/** Everything a worker has but the job: the real decoder in its sandbox, the real tags child, a real lane. */
export interface Pipeline extends AsyncDisposable {
  decoder: RunTasksRequest["decoder"];
  /** The processes of the lanes. They stay the same for as long as none has died. */
  lanePids(): readonly number[];
  /** Rejects with whatever is not an error that was expected. */
  run(file: string, request?: Partial<RunTasksRequest>): Promise<Outcome>;
  /** Children of this process that are no lanes. */
  strayChildren(): Promise<string[]>;
}

const TASKS = [{ name: "audio.features" }, { name: "speech.segments" }] as const;

export async function createPipeline({ log = silentLog }: { log?: Log } = {}): Promise<Pipeline> {
  const engine = await createEngine({
    lanes: 1,
    threads: 1,
    device: "cpu",
    modelsDir: undefined,
    searchPath: process.env["PATH"] ?? "",
    log,
  });
  const { decoder, inference, readTags } = engine;
  return {
    decoder,
    lanePids: () => inference.pids,

    async run(file, request = {}) {
      const started = performance.now();
      const running = runTasks({
        file,
        tasks: TASKS,
        decoder,
        readTags,
        inference,
        maxAudioSeconds: LIMITS.audioSeconds,
        log,
        signal: new AbortController().signal,
        ...request,
      });
      const outcome = await running.then(outcomeOfAnalysis, outcomeOfError);
      return { ...outcome, milliseconds: performance.now() - started };
    },

    async strayChildren() {
      const lanes = inference.pids;
      const found = await findDescendants(process.pid);
      return found.filter(({ pid }) => !lanes.includes(pid)).map(({ command }) => command);
    },

    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** Sorted names of what is in the directories: a child that wrote a file there shows. */
export async function listAll(directories: readonly string[]): Promise<string[]> {
  const listings = await Promise.all(
    directories.map(async (directory) => (await readdir(directory)).map((name) => `${directory}/${name}`)),
  );
  return listings.flat().toSorted();
}

function outcomeOfAnalysis(analysis: Analysis): Omit<Outcome, "milliseconds"> {
  const taskErrors = analysis.results.flatMap((result) =>
    result.status === "failed" ? [result.error.code] : [],
  );
  return { ending: analysis.input.truncated ? "truncated" : "whole", taskErrors, analysis, error: null };
}

function outcomeOfError(error: unknown): Omit<Outcome, "milliseconds"> {
  if (!(error instanceof AppError)) throw error;
  // runTasks throws the codes of a job alone.
  return { ending: error.code as JobErrorCode, taskErrors: [], analysis: null, error };
}

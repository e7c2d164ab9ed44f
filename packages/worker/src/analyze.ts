import { beginSpan } from "@earshot/shared/crypto/trace";
import { findActiveCalibration } from "@earshot/shared/db/calibrations";
import type { Database } from "@earshot/shared/db/database";
import type { Progress } from "@earshot/shared/db/jobs/beat";
import type { ClaimedJob } from "@earshot/shared/db/jobs/claim-job";
import type { Finish } from "@earshot/shared/db/jobs/finish-job";
import { finishJob } from "@earshot/shared/db/jobs/finish-job";
import type { Lease } from "@earshot/shared/db/jobs/job";
import type { Random } from "@earshot/shared/domain/backoff";
import { AppError, JOB_ERRORS, jobErrorCode } from "@earshot/shared/domain/errors";
import { outcomeOf } from "@earshot/shared/domain/job-status";
import type { Analysis, TaskError, TaskFailed } from "@earshot/shared/domain/results";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import type { EgressPolicy } from "@earshot/shared/egress/target";
import type { Inference } from "./inference/inference.ts";
import { holdLease } from "./hold-lease.ts";
import { Interruption } from "./interruption.ts";
import type { Engine } from "./engine.ts";
import { fetchJobInput } from "./input/fetch-job-input.ts";
import type { AttemptFacts, JobSettled } from "./job-settled.ts";
import { fieldsOf, jobSettled } from "./job-settled.ts";
import { persist } from "./persist.ts";
import { pinModels } from "./pin-models.ts";
import { PhaseClock } from "./phases.ts";
import { runTasks } from "./run-tasks.ts";
import { openScratch } from "./scratch.ts";
import { hasAttemptsLeft, settle } from "./settle.ts";
import { embeddingsOf, storeResult } from "./store-results.ts";
import type { ResultStore } from "./store-results.ts";
import type { InstalledTasks } from "./tasks/index.ts";

export interface AnalyzeOptions extends Pick<Engine, "decoder" | "readTags" | "versionsFor">, ResultStore {
  inference: Inference;
  policy: EgressPolicy;
  scratchRoot: string;
  maxBytes: number;
  maxAudioSeconds: number;
  leaseSeconds: number;
  /** Told how far the job is, beside the database. */
  onProgress?(progress: Progress): void;
  log: Log;
  random: Random;
  installed?: InstalledTasks;
}

/**
 * One claimed job, from its input to its committed result. Whatever happens, the job is settled and nothing is thrown.
 * @returns what the attempt came to, as it was logged.
 */
export async function analyze(
  claimed: ClaimedJob,
  options: AnalyzeOptions,
  handBack: AbortSignal,
): Promise<JobSettled> {
  const { db, log } = options;
  const { job, lease } = claimed;
  const startedAt = new Date();
  const started = performance.now();
  const span = beginSpan(job.traceparent);
  const clock = new PhaseClock();
  const facts: AttemptFacts = { inputBytes: null, analysis: null };
  await using held = holdLease({ db, lease, leaseSeconds: options.leaseSeconds, log });
  using deadline = deadlineOf(job.timeoutSeconds);
  const signal = AbortSignal.any([held.signal, handBack, deadline.signal]);

  const report = (progress: Progress) => {
    held.report(progress);
    options.onProgress?.(progress);
  };

  let outcome: string;
  let errorCode: string | null = null;
  try {
    await using scratch = await openScratch(options.scratchRoot);
    report({ stage: "fetching", fraction: 0 });
    const input = await clock.time("fetch", () =>
      fetchJobInput(job, { ...options, directory: scratch.directory, signal }),
    );
    facts.inputBytes = input.bytes;
    const inference = await persist(() => pinModels(claimed, options), signal);
    const moodCalibration = job.tasks.includes("music.mood")
      ? await persist(() => findActiveCalibration(db, job.accountId), signal)
      : null;
    const analysis = await clock.time("decode", () =>
      runTasks({
        ...options,
        moodCalibration,
        inference: clock.watch(inference),
        file: input.file,
        sha256: input.sha256,
        tasks: job.tasks.map((name) => ({ name, options: job.options[name] })),
        signal,
        onProgress: report,
      }),
    );
    facts.analysis = analysis;
    await persist(() => tryAgainAfterFault(analysis, lease, db), signal);
    report({ stage: "committing", fraction: 1 });
    const committed = await clock.time("commit", () => commit(analysis));
    errorCode = committed.error?.code ?? null;
    // Nothing written: the job was canceled since the last beat, or it is somebody else's.
    outcome = committed.written ? committed.status : await settleOrGiveUp(new Interruption("canceling"));
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    log.warn("attempt_ended", { job_id: job.id, attempt: lease.attempt, ...describeError(reason) });
    errorCode = reason instanceof Interruption ? reason.kind : jobErrorCode(reason);
    outcome = await settleOrGiveUp(reason);
  }
  const ended = { outcome, errorCode, startedAt, seconds: secondsSince(started) };
  const settled = jobSettled(job, ended, { facts, clock, span });
  log.info("job_settled", fieldsOf(settled));
  return settled;

  async function commit(analysis: Analysis) {
    const finish = await persist(() => finishOf(analysis, lease, secondsSince(started), options), signal);
    const written = await persist(() => finishJob(db, lease, finish), signal);
    return { ...finish, written };
  }

  async function settleOrGiveUp(reason: unknown): Promise<string> {
    try {
      return await persist(() => settle(db, lease, reason, options.random), patience(handBack));
    } catch (error) {
      // The lease runs out and another worker takes the job up.
      log.error("settle_failed", { job_id: job.id, ...describeError(error) });
      return "abandoned";
    }
  }
}

const secondsSince = (started: number) => (performance.now() - started) / 1_000;

/** A task that a fault of ours broke, such as a lane that died, is worth another attempt of the job while it has some left. */
async function tryAgainAfterFault({ results }: Analysis, lease: Lease, db: Database): Promise<void> {
  const broken = results.find(
    (result) => result.status === "failed" && JOB_ERRORS[result.error.code].retryable,
  );
  if (broken?.status !== "failed" || !(await hasAttemptsLeft(db, lease))) return;
  throw new AppError(broken.error.code, { message: broken.error.message, detail: { task: broken.task } });
}

async function finishOf(
  analysis: Analysis,
  lease: Lease,
  computeSeconds: number,
  options: AnalyzeOptions,
): Promise<Finish> {
  const status = outcomeOf(analysis.results);
  const failures = analysis.results.filter((result) => result.status === "failed");
  return {
    status,
    results: await Promise.all(analysis.results.map((result) => storeResult(result, lease, options))),
    embeddings: embeddingsOf(analysis.results),
    input: analysis.input,
    warnings: analysis.warnings ?? [],
    computeSeconds,
    device: analysis.results.find((result) => result.model !== null)?.device ?? "cpu",
    error: status === "failed" ? commonError(failures) : null,
  };
}

/** The code that all tasks failed with, or `tasks_failed`. */
function commonError(failures: readonly TaskFailed[]): TaskError {
  const [first] = failures;
  if (first && failures.every((failure) => failure.error.code === first.error.code)) return first.error;
  const { message, code } = new AppError("tasks_failed");
  return { code: code as TaskError["code"], message };
}

/** How long a worker tries to tell a database that is away what became of a job: little when it is to go itself. */
function patience(handBack: AbortSignal): AbortSignal {
  if (handBack.aborted) return AbortSignal.timeout(3_000);
  return AbortSignal.any([handBack, AbortSignal.timeout(10 * 60_000)]);
}

function deadlineOf(seconds: number): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new AppError("timeout", { detail: { timeoutSeconds: seconds } })),
    seconds * 1_000,
  );
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { Database } from "@earshot/shared/db/database";
import type { ClaimedJob } from "@earshot/shared/db/jobs/claim-job";
import type { Finish } from "@earshot/shared/db/jobs/finish-job";
import { finishJob } from "@earshot/shared/db/jobs/finish-job";
import type { Lease } from "@earshot/shared/db/jobs/job";
import type { Random } from "@earshot/shared/domain/backoff";
import { AppError, JOB_ERRORS } from "@earshot/shared/domain/errors";
import { outcomeOf } from "@earshot/shared/domain/job-status";
import type { Analysis, TaskError, TaskFailed } from "@earshot/shared/domain/results";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import type { EgressPolicy } from "./egress/target.ts";
import type { Inference } from "./inference/inference.ts";
import { holdLease } from "./hold-lease.ts";
import { Interruption } from "./interruption.ts";
import type { Engine } from "./engine.ts";
import { fetchJobInput } from "./input/fetch-job-input.ts";
import { persist } from "./persist.ts";
import { runTasks } from "./run-tasks.ts";
import { openScratch } from "./scratch.ts";
import { hasAttemptsLeft, settle } from "./settle.ts";
import { embeddingsOf, storeResult } from "./store-results.ts";

export interface AnalyzeOptions extends Pick<Engine, "decoder" | "readTags"> {
  inference: Inference;
  db: Database;
  blobs: BlobStore;
  policy: EgressPolicy;
  scratchRoot: string;
  maxBytes: number;
  maxAudioSeconds: number;
  leaseSeconds: number;
  log: Log;
  random: Random;
}

/** One claimed job, from its input to its committed result. Whatever happens, the job is settled and nothing is thrown. */
export async function analyze(
  claimed: ClaimedJob,
  options: AnalyzeOptions,
  handBack: AbortSignal,
): Promise<void> {
  const { db, log } = options;
  const { job, lease } = claimed;
  const started = performance.now();
  await using held = holdLease({ db, lease, leaseSeconds: options.leaseSeconds, log });
  using deadline = deadlineOf(job.timeoutSeconds);
  const signal = AbortSignal.any([held.signal, handBack, deadline.signal]);

  let outcome: string;
  try {
    await using scratch = await openScratch(options.scratchRoot);
    held.report({ stage: "fetching", fraction: 0 });
    const input = await fetchJobInput(job, { ...options, directory: scratch.directory, signal });
    const analysis = await runTasks({
      ...options,
      file: input.file,
      sha256: input.sha256,
      tasks: job.tasks.map((name) => ({ name, options: job.options[name] })),
      signal,
      onProgress: held.report,
    });
    await persist(() => tryAgainAfterFault(analysis, lease, db), signal);
    held.report({ stage: "committing", fraction: 1 });
    const finish = await persist(() => finishOf(analysis, lease, secondsSince(started), options), signal);
    const written = await persist(() => finishJob(db, lease, finish), signal);
    // Nothing written: the job was canceled since the last beat, or it is somebody else's.
    outcome = written ? finish.status : await settleOrGiveUp(new Interruption("canceling"));
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    log.warn("attempt_ended", { job_id: job.id, attempt: lease.attempt, ...describeError(reason) });
    outcome = await settleOrGiveUp(reason);
  }
  log.info("job_settled", {
    job_id: job.id,
    attempt: lease.attempt,
    outcome,
    traceparent: job.traceparent,
    seconds: secondsSince(started),
  });

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

import type { TraceSpan } from "@earshot/shared/crypto/trace";
import type { Job } from "@earshot/shared/db/jobs/job";
import type { Analysis } from "@earshot/shared/domain/results";
import type { LogFields } from "@earshot/shared/log";
import { spanFields } from "@earshot/shared/tracing/span-record";
import type { PhaseClock, PhaseSpan } from "./phases.ts";

/** The wide event of one attempt: what a log line, the metrics and a trace say of it. */
export interface JobSettled {
  jobId: string;
  accountId: string;
  tasks: readonly string[];
  attempt: number;
  /** A final status, or what became of an attempt that gave no result. */
  outcome: string;
  /** Of the error that ended the attempt; null when none did. */
  errorCode: string | null;
  /** From submission to the first start. */
  queueSeconds: number | null;
  startedAt: Date;
  seconds: number;
  phases: readonly PhaseSpan[];
  inputBytes: number | null;
  audioSeconds: number | null;
  device: string | null;
  /** `id@version` of each that gave a result. */
  models: readonly string[];
  span: TraceSpan;
}

/** What becomes known of an attempt while it goes on. */
export interface AttemptFacts {
  inputBytes: number | null;
  analysis: Analysis | null;
}

export function jobSettled(
  job: Job,
  ended: { outcome: string; errorCode: string | null; startedAt: Date; seconds: number },
  { facts, clock, span }: { facts: AttemptFacts; clock: PhaseClock; span: TraceSpan },
): JobSettled {
  const results = (facts.analysis?.results ?? []).filter(({ model }) => model !== null);
  return {
    jobId: job.id,
    accountId: job.accountId,
    tasks: job.tasks,
    attempt: job.attempt,
    ...ended,
    queueSeconds: job.startedAt && (job.startedAt.getTime() - job.createdAt.getTime()) / 1_000,
    phases: clock.spans,
    inputBytes: facts.inputBytes,
    audioSeconds: facts.analysis?.input.duration_seconds ?? null,
    device: facts.analysis && (results[0]?.device ?? "cpu"),
    models: [...new Set(results.map(({ model, version }) => `${model}@${version}`))],
    span,
  };
}

/** The one line that a job leaves in the log per attempt. */
export function fieldsOf(settled: JobSettled): LogFields {
  const phases = settled.phases.map(({ phase, seconds }) => [`${phase}_seconds`, rounded(seconds)]);
  return {
    job_id: settled.jobId,
    account_id: settled.accountId,
    tasks: settled.tasks,
    attempt: settled.attempt,
    outcome: settled.outcome,
    error_code: settled.errorCode,
    queue_seconds: settled.queueSeconds,
    seconds: rounded(settled.seconds),
    ...Object.fromEntries(phases),
    input_bytes: settled.inputBytes,
    audio_seconds: settled.audioSeconds,
    device: settled.device,
    models: settled.models,
    ...spanFields(settled.span),
  };
}

const rounded = (seconds: number) => Math.round(seconds * 1_000) / 1_000;

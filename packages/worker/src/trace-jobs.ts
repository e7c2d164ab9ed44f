import type { EndSpan } from "@earshot/shared/tracing/span-record";
import { childOf } from "@earshot/shared/tracing/span-record";
import type { JobSettled } from "./job-settled.ts";

/** The wide event of an attempt as spans: how long the job had waited, the attempt, and below it what its time went to. */
export function traceJob(settled: JobSettled, end: EndSpan): void {
  const { span, startedAt, seconds, phases, queueSeconds, attempt } = settled;
  const job = { "earshot.job_id": settled.jobId, "earshot.account_id": settled.accountId };
  if (attempt === 1 && queueSeconds !== null) {
    end({
      name: "queue",
      kind: "internal",
      // Beside the attempt, below the request.
      span: { ...childOf(span), parentSpanId: span.parentSpanId },
      startedAt: new Date(startedAt.getTime() - queueSeconds * 1_000),
      seconds: queueSeconds,
      error: null,
      attributes: job,
    });
  }
  end({
    name: "job",
    kind: "consumer",
    span,
    startedAt,
    seconds,
    error: settled.errorCode,
    attributes: {
      ...job,
      "earshot.tasks": settled.tasks,
      "earshot.attempt": attempt,
      "earshot.outcome": settled.outcome,
      "earshot.audio_seconds": settled.audioSeconds,
      "earshot.input_bytes": settled.inputBytes,
      "earshot.device": settled.device,
      "earshot.models": settled.models,
    },
  });
  for (const phase of phases) {
    end({
      name: phase.phase,
      kind: "internal",
      span: childOf(span),
      startedAt: phase.startedAt,
      seconds: phase.seconds,
      error: null,
      attributes: job,
    });
  }
}

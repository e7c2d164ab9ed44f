import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { Job } from "@earshot/shared/db/jobs/job";
import type { TaskOutcome } from "@earshot/shared/db/jobs/read-job";
import type { JobDelivery } from "@earshot/shared/db/webhooks/list-deliveries";
import { JOB_ERRORS, titleOf } from "@earshot/shared/domain/errors";
import type { JobErrorCode } from "@earshot/shared/domain/errors";
import { JOB_STATUSES } from "@earshot/shared/domain/job-status";
import { roundScore, roundSeconds } from "@earshot/shared/domain/results";

const time = doc(() => z.iso.datetime().nullable());
const seconds = doc(() => z.number().nullable());
const code = doc(() => z.enum(Object.keys(JOB_ERRORS) as [JobErrorCode, ...JobErrorCode[]]));

/** What is known of the audio, once it was looked at. */
export const JobInput = doc(() =>
  z
    .object({
      duration_seconds: z.number(),
      codec: z.string(),
      channels: z.int(),
      sample_rate: z.int(),
      sha256: z.string(),
      tags: z.record(z.string(), z.string()),
      truncated: z.literal(true).optional(),
      declared_seconds: z.number().optional(),
    })
    .nullable(),
);

/** A job as clients see it (DESIGN section 3). Never with the webhook's secret. */
export const JobBody = doc(() =>
  z
    .object({
      id: z.string(),
      status: z.enum(JOB_STATUSES),
      created_at: z.iso.datetime(),
      started_at: time,
      finished_at: time,
      expires_at: time,
      attempt: z.int(),
      retried_from: z.string().nullable(),
      input: JobInput,
      progress: z.object({ stage: z.string(), fraction: z.number() }).nullable(),
      tasks: z.array(
        z.object({
          task: z.string(),
          status: z.enum(JOB_STATUSES),
          model: z.string().nullable(),
          version: z.string().nullable(),
          error: z.object({ code, message: z.string() }).nullable(),
        }),
      ),
      usage: z.object({
        audio_seconds: seconds,
        queue_seconds: seconds,
        compute_seconds: seconds,
        device: z.string().nullable(),
      }),
      error: z.object({ code, message: z.string(), detail: z.record(z.string(), z.unknown()) }).nullable(),
      metadata: z.record(z.string(), z.string()),
      webhook: z
        .object({
          url: z.string(),
          events: z.array(z.string()).nullable(),
          event_id: z.string().nullable().describe("What was sent last; the fields below tell of that."),
          status: z.enum(["pending", "succeeded", "failed"]).nullable(),
          attempts: z.int(),
          last_attempt: z
            .object({
              at: z.iso.datetime(),
              latency_ms: z.int(),
              status_code: z.int().nullable(),
              error: z.string().nullable(),
            })
            .nullable(),
          next_attempt_at: time,
        })
        .nullable(),
      links: z.object({ self: z.string(), result: z.string(), cancel: z.string() }),
    })
    .meta({ id: "Job" }),
);

export type JobBody = z.output<typeof JobBody>;

/** @param delivery the last one of the job's own webhook, where there is one yet. */
export function jobBody(
  job: Job,
  outcomes: readonly TaskOutcome[],
  delivery: JobDelivery | null = null,
): JobBody {
  return {
    id: job.id,
    status: job.status,
    created_at: job.createdAt.toISOString(),
    started_at: isoOrNull(job.startedAt),
    finished_at: isoOrNull(job.finishedAt),
    expires_at: isoOrNull(job.expiresAt),
    attempt: job.attempt,
    retried_from: job.retriedFrom,
    input: job.inputInfo as JobBody["input"],
    progress: progressOf(job),
    tasks: job.tasks.map((task) =>
      taskBody(
        job,
        task,
        outcomes.find((outcome) => outcome.task === task),
      ),
    ),
    usage: {
      audio_seconds: roundedOrNull(job.audioSeconds),
      queue_seconds:
        job.startedAt && roundSeconds((job.startedAt.getTime() - job.createdAt.getTime()) / 1000),
      compute_seconds: roundedOrNull(job.computeSeconds),
      device: job.device,
    },
    error: job.errorCode && {
      code: job.errorCode,
      message: job.errorMessage ?? titleOf(job.errorCode),
      detail: job.errorDetail ?? {},
    },
    metadata: job.metadata,
    webhook: webhookOf(job, delivery),
    links: linksOf(job.id),
  };
}

/** Until a task has an outcome of its own, what is true of the job is true of the task. */
function taskBody(job: Job, task: string, outcome: TaskOutcome | undefined): JobBody["tasks"][number] {
  if (!outcome) return { task, status: job.status, model: null, version: null, error: null };
  const { status, model, version, errorCode } = outcome;
  return {
    task,
    status,
    model,
    version,
    error: errorCode && { code: errorCode, message: titleOf(errorCode) },
  };
}

function webhookOf({ webhookUrl, webhookEvents }: Job, delivery: JobDelivery | null): JobBody["webhook"] {
  if (webhookUrl === null) return null;
  const last = delivery?.last ?? null;
  return {
    url: webhookUrl,
    events: webhookEvents,
    event_id: delivery?.eventId ?? null,
    status: delivery?.status ?? null,
    attempts: delivery?.attempt ?? 0,
    last_attempt: last && {
      at: last.startedAt.toISOString(),
      latency_ms: last.latencyMs,
      status_code: last.statusCode,
      error: last.error,
    },
    next_attempt_at: delivery?.status === "pending" ? delivery.nextAttemptAt.toISOString() : null,
  };
}

function progressOf({ progressStage, progressFraction }: Job): JobBody["progress"] {
  if (progressStage === null) return null;
  return { stage: progressStage, fraction: roundScore(progressFraction ?? 0) };
}

function linksOf(id: string): JobBody["links"] {
  const self = `/v1/jobs/${id}`;
  return { self, result: `${self}/result`, cancel: `${self}/cancel` };
}

function isoOrNull(date: Date | null): string | null {
  return date && date.toISOString();
}

function roundedOrNull(value: number | null): number | null {
  return value === null ? null : roundSeconds(value);
}

import type { JobErrorCode } from "./errors.ts";
import type { JobStatus } from "./job-status.ts";
import { LIMITS } from "./limits.ts";

/** How a job ended is always sent; `job.started` only to those who ask for it. */
export const JOB_EVENT_TYPES = [
  "job.started",
  "job.succeeded",
  "job.partial",
  "job.failed",
  "job.canceled",
  "job.expired",
] as const;

export type JobEventType = (typeof JOB_EVENT_TYPES)[number];

const OPT_IN_EVENT_TYPES = ["job.started"] as const satisfies JobEventType[];

export function isOptIn(type: JobEventType): boolean {
  return (OPT_IN_EVENT_TYPES as readonly JobEventType[]).includes(type);
}

export interface JobEventFacts {
  jobId: string;
  status: JobStatus;
  attempt: number;
  tasks: readonly { task: string; status: string }[];
  error: { code: JobErrorCode; message: string } | null;
  metadata: Record<string, string>;
  at: Date;
}

/**
 * The bytes of an event: `{type, timestamp, data}` (Standard Webhooks 1.0.0), thin on purpose: no results, a link.
 * What this returns is stored and signed as it is. Metadata that JSON escapes blow up past LIMITS.webhookBodyBytes is
 * left out, and `metadata_omitted` says so: the link leads to it.
 */
export function jobEventPayload(type: JobEventType, facts: JobEventFacts): string {
  const whole = payloadOf(type, facts, { metadata: facts.metadata });
  if (new TextEncoder().encode(whole).byteLength <= LIMITS.webhookBodyBytes) return whole;
  return payloadOf(type, facts, { metadata: {}, metadata_omitted: true });
}

function payloadOf(
  type: JobEventType,
  facts: JobEventFacts,
  metadata: { metadata: Record<string, string>; metadata_omitted?: true },
): string {
  return JSON.stringify({
    type,
    timestamp: facts.at.toISOString(),
    data: {
      id: facts.jobId,
      status: facts.status,
      attempt: facts.attempt,
      tasks: facts.tasks.map(({ task, status }) => ({ task, status })),
      error: facts.error,
      ...metadata,
      links: { self: `/v1/jobs/${facts.jobId}`, result: `/v1/jobs/${facts.jobId}/result` },
    },
  });
}

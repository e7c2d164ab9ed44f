import type { JobErrorCode } from "./errors.ts";
import type { JobStatus } from "./job-status.ts";
import { LIMITS } from "./limits.ts";

/** How a job ended is always sent; that it started and how far it is only to those who ask for it. */
export const JOB_EVENT_TYPES = [
  "job.started",
  "job.progress",
  "job.succeeded",
  "job.partial",
  "job.failed",
  "job.canceled",
  "job.expired",
] as const;

/** What an account is told besides. `webhook.test` goes to the endpoint that is tested alone. */
const ACCOUNT_EVENT_TYPES = ["endpoint.disabled", "security.alert", "webhook.test"] as const;

export const EVENT_TYPES = [...JOB_EVENT_TYPES, ...ACCOUNT_EVENT_TYPES] as const;

export type JobEventType = (typeof JOB_EVENT_TYPES)[number];
export type AccountEventType = (typeof ACCOUNT_EVENT_TYPES)[number];
export type EventType = JobEventType | AccountEventType;

/** An event of these types is written only when somebody asked for it. */
const OPT_IN_EVENT_TYPES = ["job.started", "job.progress"] as const satisfies JobEventType[];

export type OptInEventType = (typeof OPT_IN_EVENT_TYPES)[number];

export function isOptIn(type: EventType): boolean {
  return (OPT_IN_EVENT_TYPES as readonly EventType[]).includes(type);
}

export interface JobEventFacts {
  jobId: string;
  status: JobStatus;
  attempt: number;
  tasks: readonly { task: string; status: string }[];
  error: { code: JobErrorCode; message: string } | null;
  progress?: { stage: string; fraction: number };
  metadata: Record<string, string>;
  at: Date;
}

/** What a full payload tells of a result: no more than its pooled scalars. */
export interface ResultSummary {
  task: string;
  status: string;
  model: string | null;
  version: string;
  errorCode: string | null;
  summary: Record<string, unknown>;
}

/** The bytes of an event: `{type, timestamp, data}` (Standard Webhooks 1.0.0). They are stored and signed as they are. */
export function eventPayload(type: EventType, at: Date, data: Record<string, unknown>): string {
  return JSON.stringify({ type, timestamp: at.toISOString(), data });
}

/**
 * The bytes of a job's event, thin on purpose: no results, a link. `sequence` counts the events of the job. Metadata that
 * JSON escapes blow up past LIMITS.webhookBodyBytes is left out, and `metadata_omitted` says so: the link leads to it.
 */
export function jobEventPayload(type: JobEventType, sequence: number, facts: JobEventFacts): string {
  const whole = eventPayload(type, facts.at, jobData(sequence, facts, { metadata: facts.metadata }));
  if (isSendable(whole)) return whole;
  return eventPayload(type, facts.at, jobData(sequence, facts, { metadata: {}, metadata_omitted: true }));
}

/** The same with the summaries of the results, or null where that would be too large to be sent. */
export function fullJobEventPayload(
  type: JobEventType,
  sequence: number,
  facts: JobEventFacts,
  results: readonly ResultSummary[],
): string | null {
  const data = {
    ...jobData(sequence, facts, { metadata: facts.metadata }),
    results: results.map(({ task, status, model, version, errorCode, summary }) => ({
      task,
      status,
      model,
      version,
      ...(errorCode !== null && { error: { code: errorCode } }),
      ...summary,
    })),
  };
  const full = eventPayload(type, facts.at, data);
  return isSendable(full) ? full : null;
}

function isSendable(payload: string): boolean {
  return new TextEncoder().encode(payload).byteLength <= LIMITS.webhookBodyBytes;
}

function jobData(
  sequence: number,
  facts: JobEventFacts,
  metadata: { metadata: Record<string, string>; metadata_omitted?: true },
): Record<string, unknown> {
  return {
    id: facts.jobId,
    sequence,
    status: facts.status,
    attempt: facts.attempt,
    tasks: facts.tasks.map(({ task, status }) => ({ task, status })),
    error: facts.error,
    ...(facts.progress && { progress: facts.progress }),
    ...metadata,
    links: { self: `/v1/jobs/${facts.jobId}`, result: `/v1/jobs/${facts.jobId}/result` },
  };
}

import { randomUUID } from "node:crypto";
import { isFinal, JOB_STATUSES } from "@earshot/shared/domain/job-status";
import type { JobStatus } from "@earshot/shared/domain/job-status";
import * as z from "zod";
import { callApi } from "./api-client.ts";
import type { ApiConnection } from "./api-client.ts";

/** A job as the API tells it; fields that are not named here are kept. */
const job = z.looseObject({
  id: z.string(),
  status: z.enum(JOB_STATUSES),
  progress: z.looseObject({ stage: z.string(), fraction: z.number() }).nullable(),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
});

export type Job = z.output<typeof job>;

const jobPage = z.looseObject({
  data: z.array(job.extend({ created_at: z.string(), tasks: z.array(z.looseObject({ task: z.string() })) })),
  has_more: z.boolean(),
});

export type JobPage = z.output<typeof jobPage>;

export interface JobRequest {
  input: { upload_id: string } | { url: string };
  tasks: readonly string[];
  options?: Readonly<Record<string, unknown>>;
  webhook?: { url: string };
}

/** One key for all attempts: whichever of them came through, there is one job. */
export async function submitJob(
  connection: ApiConnection,
  request: JobRequest,
  signal: AbortSignal,
): Promise<Job> {
  const headers = { "idempotency-key": randomUUID() };
  return job.parse(
    await callApi(connection, { method: "POST", path: "/v1/jobs", body: request, headers }, signal),
  );
}

export async function readJob(connection: ApiConnection, id: string, signal: AbortSignal): Promise<Job> {
  return job.parse(await callApi(connection, { method: "GET", path: pathOf(id) }, signal));
}

export interface JobQuery {
  status?: JobStatus | undefined;
  /** 1 to 100; the API has its own default. */
  limit?: number | undefined;
}

/** The newest jobs of the account. */
export async function listJobs(
  connection: ApiConnection,
  { status, limit }: JobQuery,
  signal: AbortSignal,
): Promise<JobPage> {
  const query = new URLSearchParams({
    ...(status === undefined ? {} : { status }),
    ...(limit === undefined ? {} : { limit: String(limit) }),
  });
  const path = query.size === 0 ? "/v1/jobs" : `/v1/jobs?${query}`;
  return jobPage.parse(await callApi(connection, { method: "GET", path }, signal));
}

/** Submits an ended job once more and answers the new one. One key for all attempts, as in `submitJob`. */
export async function retryJob(connection: ApiConnection, id: string, signal: AbortSignal): Promise<Job> {
  const headers = { "idempotency-key": randomUUID() };
  return job.parse(
    await callApi(connection, { method: "POST", path: `${pathOf(id)}/retry`, headers }, signal),
  );
}

export async function deleteJob(connection: ApiConnection, id: string, signal: AbortSignal): Promise<void> {
  await callApi(connection, { method: "DELETE", path: pathOf(id) }, signal);
}

export async function cancelJob(connection: ApiConnection, id: string, signal: AbortSignal): Promise<Job> {
  return job.parse(await callApi(connection, { method: "POST", path: `${pathOf(id)}/cancel` }, signal));
}

export function readResult(connection: ApiConnection, id: string, signal: AbortSignal): Promise<unknown> {
  return callApi(connection, { method: "GET", path: `${pathOf(id)}/result` }, signal);
}

export interface WaitOptions {
  /** How long one request waits for the end: short where progress is to be seen. */
  pollSeconds: number;
  onProgress(job: Job): void;
}

/** Asks until the job has ended. */
export async function waitForEnd(
  connection: ApiConnection,
  id: string,
  { pollSeconds, onProgress }: WaitOptions,
  signal: AbortSignal,
): Promise<Job> {
  const path = `${pathOf(id)}?wait=${pollSeconds}`;
  for (;;) {
    const answer = await callApi(
      connection,
      { method: "GET", path, timeoutMs: (pollSeconds + 30) * 1_000 },
      signal,
    );
    const seen = job.parse(answer);
    onProgress(seen);
    if (isFinal(seen.status)) return seen;
  }
}

function pathOf(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

import type { Job, JobList, JobRequest, JobResult, Queries, TaskResult } from "./api-types.ts";
import { ApiError, ConnectionError } from "./errors.ts";
import { newIdempotencyKey } from "./idempotency-key.ts";
import { itemsOf } from "./pages.ts";
import { LONGEST_PAUSE_MS, pause } from "./retry.ts";
import { serverEventsOf } from "./server-events.ts";
import type { CallOptions, Transport } from "./transport.ts";

export type JobStatus = Job["status"];

/** What `jobs.events` tells, in the order in which it happened. */
export type JobEvent =
  | { id: string; event: "status"; data: { status: JobStatus; attempt: number; at: string | null } }
  | { id: string; event: "progress"; data: JobProgress & { attempt: number } }
  | { id: string; event: "end"; data: Job };

export interface JobProgress {
  stage: string;
  /** 0 to 1, of the stage. */
  fraction: number;
}

export interface SubmitOptions extends CallOptions {
  /** A key of yours: the same key gets the same job, however often it is sent. Default: a new one for each call. */
  idempotencyKey?: string | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Each change of state, and progress where it is listened for. */
  onProgress?: ((progress: { status: JobStatus; progress: JobProgress | null }) => void) | undefined;
  /** `events` (the default) hears of progress at once; `poll` asks with requests that wait, where proxies keep streams back. */
  by?: "events" | "poll" | undefined;
}

export type JobQuery = Queries["GET /v1/jobs"];

const POLL_SECONDS = 25;
const FINAL: readonly JobStatus[] = ["succeeded", "partial", "failed", "canceled", "expired"];

export function isFinal(status: JobStatus): boolean {
  return FINAL.includes(status);
}

export class Jobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** All attempts of one call carry one Idempotency-Key: whichever of them came through, there is one job. */
  create(
    request: JobRequest,
    { idempotencyKey = newIdempotencyKey(), signal }: SubmitOptions = {},
  ): Promise<Job> {
    const headers = { "Idempotency-Key": idempotencyKey };
    return this.#transport.json({ method: "POST", path: "/v1/jobs", json: request, headers, signal });
  }

  /** With `waitSeconds` (at most 30) the answer comes when the job ends, or as it is after that time. */
  get(
    id: string,
    { waitSeconds, signal }: CallOptions & { waitSeconds?: number | undefined } = {},
  ): Promise<Job> {
    const query = { wait: waitSeconds };
    return this.#transport.json({ method: "GET", path: pathOf(id), query, waitSeconds, signal });
  }

  /** The newest first; further pages are asked for as you go on. */
  list(query: JobQuery = {}, options: CallOptions = {}): AsyncGenerator<Job, void> {
    return itemsOf((cursor) => this.listPage({ ...query, ...(cursor !== undefined && { cursor }) }, options));
  }

  listPage(query: JobQuery = {}, { signal }: CallOptions = {}): Promise<JobList> {
    return this.#transport.json({ method: "GET", path: "/v1/jobs", query, signal });
  }

  /** A queued job is `canceled` at once, a running one is `canceling` until its worker has heard of it. */
  cancel(id: string, { signal }: CallOptions = {}): Promise<Job> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/cancel`, isRepeatable: true, signal });
  }

  /** A new job like the ended one. */
  retry(id: string, { idempotencyKey = newIdempotencyKey(), signal }: SubmitOptions = {}): Promise<Job> {
    const headers = { "Idempotency-Key": idempotencyKey };
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/retry`, headers, signal });
  }

  /** Removes what an ended job left, its audio and results, for good. */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: pathOf(id), signal });
  }

  /** Of all tasks; long columns are thinned. */
  result(id: string, options?: CallOptions): Promise<JobResult>;
  /** Of one task, in full. */
  result(id: string, task: string, options?: CallOptions): Promise<TaskResult>;
  result(id: string, taskOrOptions?: string | CallOptions, options?: CallOptions): Promise<unknown> {
    const isOfTask = typeof taskOrOptions === "string";
    const path = `${pathOf(id)}/result${isOfTask ? `/${encodeURIComponent(taskOrOptions)}` : ""}`;
    const signal = (isOfTask ? options : taskOrOptions)?.signal;
    return this.#transport.json({ method: "GET", path, signal });
  }

  /**
   * What happens to a job, from its beginning or from after `lastEventId`, until its end. A connection that breaks is
   * made again, and nothing is told twice.
   */
  async *events(
    id: string,
    { lastEventId, signal }: CallOptions & { lastEventId?: string | undefined } = {},
  ): AsyncGenerator<JobEvent, void> {
    for (let last = lastEventId, failures = 0; ;) {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (last !== undefined) headers["Last-Event-ID"] = last;
      const response = await this.#transport.open({
        method: "GET",
        path: `${pathOf(id)}/events`,
        headers,
        signal,
      });
      if (response.status === 204 || response.body === null) return;
      try {
        for await (const { id: eventId, event, data } of serverEventsOf(response.body)) {
          last = eventId;
          failures = 0;
          yield { id: eventId, event, data: JSON.parse(data) } as JobEvent;
          if (event === "end") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ApiError) throw error;
      }
      signal?.throwIfAborted();
      // The server ends a stream now and then; one that fails at once, again and again, is left in peace for longer.
      await pause(Math.min(250 * 2 ** failures++, LONGEST_PAUSE_MS), signal);
    }
  }

  /** The job once it has ended, however it did: look at its `status`. */
  async wait(id: string, options: WaitOptions = {}): Promise<Job> {
    return options.by === "poll" ? this.#pollForEnd(id, options) : this.#listenForEnd(id, options);
  }

  /** `create` and `wait` in one. */
  async createAndWait(request: JobRequest, options: SubmitOptions & WaitOptions = {}): Promise<Job> {
    const job = await this.create(request, options);
    return isFinal(job.status) ? job : this.wait(job.id, options);
  }

  async #pollForEnd(id: string, { onProgress, signal }: WaitOptions): Promise<Job> {
    for (;;) {
      const job = await this.get(id, { waitSeconds: POLL_SECONDS, signal });
      onProgress?.({ status: job.status, progress: job.progress });
      if (isFinal(job.status)) return job;
    }
  }

  async #listenForEnd(id: string, { onProgress, signal }: WaitOptions): Promise<Job> {
    let status: JobStatus = "queued";
    for await (const { event, data } of this.events(id, { signal })) {
      if (event === "status") status = data.status;
      if (event === "end") status = data.status;
      onProgress?.({ status, progress: event === "progress" ? data : null });
      if (event === "end") return data;
    }
    throw new ConnectionError("The stream of events ended before the job did.");
  }
}

function pathOf(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

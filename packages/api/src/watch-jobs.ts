export interface WatchedJob {
  jobId: string;
  accountId: string;
}

/** Waits for jobs to change without asking the database all the time. */
export interface JobWatch {
  /**
   * Calls `check` now, after each change of the job, and now and then; resolves with its first answer that isn't null,
   * or with null when `signal` aborts or the watch closes. Rejects when `check` does.
   */
  waitFor<Answer>(
    job: WatchedJob,
    check: () => Promise<Answer | null>,
    options: { signal: AbortSignal },
  ): Promise<Answer | null>;
}

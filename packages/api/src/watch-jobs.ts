import type { JobStory } from "@earshot/shared/db/job-stories";

export interface WatchedJob {
  jobId: string;
  accountId: string;
}

/** Follows jobs without asking the database all the time, however many follow. */
export interface JobWatch {
  /**
   * The job as it is now, and then after each change; changes that come together may come as one. null: the account has no
   * such job. Ends when `signal` aborts or the watch closes, but never before the job was shown once. Throws what the
   * database throws.
   */
  follow(job: WatchedJob, options: { signal: AbortSignal }): AsyncGenerator<JobStory | null, void>;
}

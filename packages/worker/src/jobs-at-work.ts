import type { Progress } from "@earshot/shared/db/jobs/beat";
import type { ClaimedJob } from "@earshot/shared/db/jobs/claim-job";

/** A job that this process works on, as it can be told at any moment. */
export interface JobAtWork {
  id: string;
  tasks: readonly string[];
  attempt: number;
  since: Date;
  progress: Progress;
}

export interface BegunJob extends Disposable {
  report(progress: Progress): void;
}

/** The jobs that this process works on now, in the order in which it took them. */
export class JobsAtWork {
  readonly #jobs = new Set<JobAtWork>();

  /** It is there until it is disposed. */
  begin({ job, lease }: ClaimedJob): BegunJob {
    const entry: JobAtWork = {
      id: job.id,
      tasks: job.tasks,
      attempt: lease.attempt,
      since: new Date(),
      progress: { stage: "claimed", fraction: 0 },
    };
    this.#jobs.add(entry);
    return {
      report(progress) {
        entry.progress = progress;
      },
      [Symbol.dispose]: () => void this.#jobs.delete(entry),
    };
  }

  list(): readonly JobAtWork[] {
    return [...this.#jobs];
  }
}
